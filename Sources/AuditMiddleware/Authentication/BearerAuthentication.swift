import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Finds out who makes a request by the JWT in `Authorization: Bearer` (RFC 6750 §2.1), and nowhere else.
///
/// A request without a token passes as nobody's, unless `required`; one with a token that does not hold is answered 401, and leaves an
/// `authn_token_rejected` event with the reason.
public struct BearerAuthentication<Context: AuditedRequestContext>: RouterMiddleware {
    private let verifier: TokenVerifier
    private let status: (any TokenStatusChecking)?
    private let required: Bool
    private let challenge: BearerChallenge

    /// - Parameters:
    ///   - status: asked of every token that holds, whether it was revoked.
    ///   - required: whether requests without a token are refused here.
    ///   - realm: the `realm` of the challenges.
    public init(verifier: TokenVerifier, status: (any TokenStatusChecking)? = nil, required: Bool = false, realm: String) {
        self.verifier = verifier
        self.status = status
        self.required = required
        challenge = BearerChallenge(realm: realm)
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var credentials: String?
        for field in request.headers where field.name == .authorization {
            guard credentials == nil else {
                return try await refuse(TokenRejection(.repeatedHeader), token: nil, context, challenge.repeated)
            }
            credentials = field.value
        }
        guard let credentials, let token = Self.bearerToken(credentials) else {
            guard required else { return try await next(request, context) }
            return try await refuse(TokenRejection(.missing), token: nil, context, challenge.missing)
        }
        let verified: VerifiedToken
        do throws(TokenRejection) {
            verified = try verifier.verify(token)
        } catch {
            return try await refuse(error, token: token, context, challenge.invalid)
        }
        guard let principal = Principal(token: verified) else {
            return try await refuse(TokenRejection(.missingClaim, keyID: verified.keyID), token: token, context, challenge.invalid)
        }
        note(principal, verified, token, context)
        if let reason = try await status?.rejection(of: verified) {
            return try await refuse(TokenRejection(reason, keyID: verified.keyID), token: nil, context, challenge.invalid)
        }
        var context = context
        context.principal = principal
        return try await next(request, context)
    }

    /// The token of `Bearer token`; nil for another scheme. The scheme's case does not matter (RFC 9110 §11.1).
    static func bearerToken(_ credentials: String) -> Substring? {
        let bytes = credentials.utf8
        let scheme = bytes.prefix(7)
        guard scheme.count >= 6, zip(scheme, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return Substring(bytes.dropFirst(6).drop { $0 == UInt8(ascii: " ") })
    }

    private func note(_ principal: Principal, _ verified: VerifiedToken, _ token: Substring, _ context: Context) {
        let audit = context.audit
        let fingerprint = audit.fingerprint(String(token), purpose: .token)
        let jti = verified.id.flatMap { audit.fingerprint($0, purpose: .tokenIdentifier) }
        let session = principal.sessionID.flatMap { audit.fingerprint($0, purpose: .session) }
        audit.update { facts in
            facts.actor = EventBody.Actor(id: principal.id, name: principal.name)
            facts.actorKind = principal.kind
            facts.session = session
            facts.token = EventBody.Token(fingerprint: fingerprint, issuer: verified.issuer, keyID: verified.keyID, jti: jti)
        }
    }

    private func refuse(_ rejection: TokenRejection, token: Substring?, _ context: Context, _ problem: Problem) async throws -> Response {
        let audit = context.audit
        // A token beyond the bound is not worth hashing: its sender can make it as long as the header allows.
        if let token, rejection.reason != .tooLarge, let fingerprint = audit.fingerprint(String(token), purpose: .token) {
            audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, keyID: rejection.keyID) }
        }
        try await audit.emit(.tokenRejected, outcome: .denied, reason: rejection.reason.code, severity: rejection.reason.severity) {
            if let algorithm = rejection.algorithm { $0.details["algorithm"] = .string(algorithm) }
        }
        throw problem
    }
}
