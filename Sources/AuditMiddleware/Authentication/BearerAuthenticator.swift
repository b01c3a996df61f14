import AuditEvents
import HTTPTypes
public import HummingbirdCore

/// Accepts JWTs in `Authorization: Bearer` (RFC 6750 §2.1), and nowhere else.
public struct BearerAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    public var securityScheme: SecurityScheme { .http("Bearer", format: "JWT") }
    private let verifier: TokenVerifier
    private let status: (any TokenStatusChecking)?

    /// - Parameters:
    ///   - status: asked of every token that holds, whether it was revoked.
    ///   - realm: the `realm` of the challenge.
    public init(verifier: TokenVerifier, status: (any TokenStatusChecking)? = nil, realm: String) {
        self.verifier = verifier
        self.status = status
        challenge = AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": realm])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let token = request.headers[.authorization].flatMap({ Self.token($0) }) else { return .absent }
        let verified: VerifiedToken
        do throws(TokenRejection) {
            verified = try verifier.verify(token)
        } catch {
            return reject(error, token, context.audit)
        }
        guard let principal = Principal(token: verified) else {
            return reject(TokenRejection(.missingClaim, keyID: verified.keyID), token, context.audit)
        }
        note(verified, token, context.audit)
        if let reason = try await status?.rejection(of: verified) {
            context.audit.note(principal)
            return reject(TokenRejection(reason, keyID: verified.keyID), nil, context.audit)
        }
        return .authenticated(principal)
    }

    /// The token of `Bearer token`; nil for another scheme. The scheme's case does not matter (RFC 9110 §11.1).
    static func token(_ credentials: String) -> Substring? {
        let bytes = credentials.utf8
        let scheme = bytes.prefix(7)
        guard scheme.count >= 6, zip(scheme, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return Substring(bytes.dropFirst(6).drop { $0 == UInt8(ascii: " ") })
    }

    private func note(_ verified: VerifiedToken, _ token: Substring, _ audit: AuditContext) {
        let fingerprint = audit.fingerprint(String(token), purpose: .token)
        let jti = verified.id.flatMap { audit.fingerprint($0, purpose: .tokenIdentifier) }
        audit.update { facts in
            facts.token = EventBody.Token(fingerprint: fingerprint, issuer: verified.issuer, keyID: verified.keyID, jti: jti)
        }
    }

    private func reject(_ rejection: TokenRejection, _ token: Substring?, _ audit: AuditContext) -> AuthenticationResult {
        // A token beyond the bound is not worth hashing: its sender can make it as long as the header allows.
        if let token, rejection.reason != .tooLarge, let fingerprint = audit.fingerprint(String(token), purpose: .token) {
            audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, keyID: rejection.keyID) }
        }
        var result = AuthenticationRejection(
            reason: rejection.reason.code, severity: rejection.reason.severity, error: "invalid_token",
            detail: "The access token is not valid.")
        if let algorithm = rejection.algorithm { result.details["algorithm"] = .string(algorithm) }
        return .rejected(result)
    }
}
