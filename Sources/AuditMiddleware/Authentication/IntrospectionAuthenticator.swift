import AuditEvents
import HTTPTypes
import Hummingbird
public import HummingbirdCore
import Logging

/// Accepts opaque tokens in `Authorization: Bearer` that the service which issued them calls active (RFC 7662).
///
/// Where that service cannot be asked, the request ends with 503 and `authn_unavailable`: never as nobody's.
public struct IntrospectionAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    public var securityScheme: SecurityScheme { SecurityScheme(name: "opaque_bearer", object: ["type": "http", "scheme": "bearer"]) }
    private let introspection: TokenIntrospection
    private let leavesJWTs: Bool
    private let maximumBytes: Int

    /// - Parameter leavesJWTs: whether what has the shape of a JWT is left to the next scheme.
    public init(_ introspection: TokenIntrospection, realm: String, leavesJWTs: Bool = true, maximumBytes: Int = 4096) {
        self.introspection = introspection
        self.leavesJWTs = leavesJWTs
        self.maximumBytes = maximumBytes
        challenge = AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": realm])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let token = request.headers[.authorization].flatMap({ BearerAuthenticator.token($0) }) else { return .absent }
        if leavesJWTs, BearerAuthenticator.isShapedLikeJWT(token) { return .absent }
        let audit = context.audit
        guard token.utf8.count <= maximumBytes else { return TokenRejection(.tooLarge).result(of: token, audit) }
        guard Self.isAcceptable(token) else { return TokenRejection(.malformed).result(of: token, audit) }
        let answer: IntrospectedToken
        do throws(TokenIntrospection.Failure) {
            answer = try await introspection.introspect(token)
        } catch {
            context.logger.warning("token not introspected", metadata: ["error.kind": "\(error.kind)"])
            note(token, nil, audit)
            return .rejected(.unavailable(reason: "introspection_unavailable"))
        }
        switch answer {
        case .inactive(let reason): return TokenRejection(reason).result(of: token, audit)
        case .active(let active):
            note(token, active, audit)
            guard active.binding == .none else { return TokenRejection(.boundToken).result(of: nil, audit) }
            return .authenticated(active.principal)
        }
    }

    private func note(_ token: Substring, _ active: IntrospectedToken.Active?, _ audit: AuditContext) {
        let fingerprint = audit.fingerprint(String(token), purpose: .token)
        let jti = active?.id.flatMap { audit.fingerprint($0, purpose: .tokenIdentifier) }
        audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, issuer: active?.issuer, jti: jti) }
    }

    /// `b64token` of RFC 6750 §2.1: whatever else it is, nobody issued it.
    static func isAcceptable(_ token: Substring) -> Bool {
        var bytes = token.utf8[...]
        while bytes.last == UInt8(ascii: "=") { bytes.removeLast() }
        return !bytes.isEmpty
            && bytes.allSatisfy { c in
                (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) || "-._~+/".utf8.contains(c)
            }
    }
}
