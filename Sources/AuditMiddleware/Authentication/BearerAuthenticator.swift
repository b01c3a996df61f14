import AuditEvents
import HTTPTypes
public import HummingbirdCore

/// Accepts JWTs in `Authorization: Bearer` (RFC 6750 §2.1), and nowhere else.
///
/// A token that is bound to a key (`cnf`) is not for this scheme and refused (RFC 9449 §7.2).
public struct BearerAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    public var securityScheme: SecurityScheme { .http("Bearer", format: "JWT") }
    private let tokens: JWTAuthentication
    private let leavesOpaque: Bool

    /// - Parameters:
    ///   - others: verifiers for tokens of other issuers, such as an identity provider with a `RemoteKeySource`; a token's `iss` says which is asked.
    ///   - status: asked of every token that holds, whether it was revoked.
    ///   - realm: the `realm` of the challenge.
    ///   - leavesOpaqueTokens: whether what has not the shape of a JWT is left to the next scheme, such as an `IntrospectionAuthenticator`.
    ///   - rememberedTokens: how many tokens that held are known again without verifying them anew; 0 for none.
    public init(
        verifier: TokenVerifier, others: [TokenVerifier] = [], status: (any TokenStatusChecking)? = nil, realm: String,
        leavesOpaqueTokens: Bool = false,
        rememberedTokens: Int = 4096
    ) {
        tokens = JWTAuthentication(verifiers: [verifier] + others, status: status, remembered: rememberedTokens)
        leavesOpaque = leavesOpaqueTokens
        challenge = AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": realm])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let token = request.headers[.authorization].flatMap({ Self.token($0) }) else { return .absent }
        if leavesOpaque, !Self.isShapedLikeJWT(token) { return .absent }
        do {
            switch try await tokens.judge(token, context.audit) {
            case .fails(let rejection):
                return rejection.result(of: rejection.reason == .revoked ? nil : token, context.audit)
            case .holds(let known):
                guard known.token.binding == .none else {
                    return TokenRejection(.boundToken, keyID: known.token.keyID).result(of: nil, context.audit)
                }
                return .authenticated(known.principal)
            }
        } catch is KeysUnavailable {
            return .rejected(.unavailable(reason: TokenRejection.Reason.keysUnavailable.code))
        }
    }

    /// The token of `Bearer token`; nil for another scheme. The scheme's case does not matter (RFC 9110 §11.1).
    static func token(_ credentials: String) -> Substring? { token(credentials, scheme: "bearer ") }

    /// - Parameter scheme: in lower case, with a space behind it.
    static func token(_ credentials: String, scheme: StaticString) -> Substring? {
        let bytes = credentials.utf8
        let count = scheme.utf8CodeUnitCount
        let start = bytes.prefix(count)
        let expected = UnsafeBufferPointer(start: scheme.utf8Start, count: count)
        guard start.count >= count - 1, zip(start, expected).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return Substring(bytes.dropFirst(count - 1).drop { $0 == UInt8(ascii: " ") })
    }

    /// Whether `token` has three parts, as a JWS in compact serialization has.
    static func isShapedLikeJWT(_ token: Substring) -> Bool { token.utf8.count { $0 == UInt8(ascii: ".") } == 2 }
}
