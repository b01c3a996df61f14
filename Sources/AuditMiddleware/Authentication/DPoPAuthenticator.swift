public import AuditEvents
import HTTPTypes
public import HummingbirdCore

/// Accepts JWTs that are bound to a key, in `Authorization: DPoP` with a proof in `DPoP` (RFC 9449 §7). Of what is stolen neither is of use alone.
public struct DPoPAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    private let tokens: JWTAuthentication
    private let proofs: DPoPVerifier
    private let replays: any ProofReplayStoring

    /// - Parameters:
    ///   - status: asked of every token that holds, whether it was revoked.
    ///   - replays: where proofs are remembered; one that several instances share, where there are several.
    ///   - rememberedTokens: how many tokens that held are known again without verifying them anew. Proofs are verified every time.
    public init(
        verifier: TokenVerifier, proofs: DPoPVerifier, replays: any ProofReplayStoring, status: (any TokenStatusChecking)? = nil,
        realm: String,
        rememberedTokens: Int = 4096
    ) {
        tokens = JWTAuthentication(verifiers: [verifier], status: status, remembered: rememberedTokens)
        self.proofs = proofs
        self.replays = replays
        challenge = AuthenticationChallenge(
            scheme: "DPoP", parameters: ["realm": realm, "algs": proofs.policy.algorithms.map(\.name).joined(separator: " ")])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let token = request.headers[.authorization].flatMap({ BearerAuthenticator.token($0, scheme: "dpop ") }) else {
            return .absent
        }
        do {
            switch try await tokens.judge(token, context.audit) {
            case .fails(let rejection):
                return rejection.result(of: rejection.reason == .revoked ? nil : token, context.audit)
            case .holds(let known):
                let (principal, verified) = (known.principal, known.token)
                guard case .key(let thumbprint) = verified.binding else {
                    // Bound to nothing, or to something else than a key: not for this scheme.
                    return TokenRejection(.proofWrongToken, keyID: verified.keyID).result(of: nil, context.audit)
                }
                do {
                    try await prove(request, token, thumbprint, context.audit)
                } catch let rejection as TokenRejection { return refuse(rejection, context.audit) }
                return .authenticated(principal)
            }
        } catch is KeysUnavailable {
            return .rejected(.unavailable(reason: TokenRejection.Reason.keysUnavailable.code))
        } catch is ProofStoreFailure {
            return .rejected(.unavailable(reason: "proof_store_unavailable"))
        }
    }

    private func prove(_ request: Request, _ token: Substring, _ thumbprint: String, _ audit: AuditContext) async throws {
        let proof = try await proofs.claimed(in: request, token: token, replays: replays) {
            $0.thumbprint.utf8.elementsEqual(thumbprint.utf8)
        }
        if let nonce = proof.newNonce { audit.addResponseField(.dpopNonce, nonce) }
    }

    private func refuse(_ rejection: TokenRejection, _ audit: AuditContext) -> AuthenticationResult {
        var result = AuthenticationRejection(
            reason: rejection.reason.code, severity: rejection.reason.severity,
            error: rejection.reason == .proofWrongToken ? "invalid_token" : rejection.proofError, detail: TokenRejection.proofDetail)
        if let algorithm = rejection.algorithm { result.details["algorithm"] = .string(algorithm) }
        if let nonces = proofs.policy.nonces { result.headers[.dpopNonce] = nonces.nonce(at: proofs.time) }
        return .rejected(result)
    }
}

extension HTTPField.Name {
    /// `DPoP` (RFC 9449 §4.1).
    static let dpop = HTTPField.Name("DPoP") ?? .authorization
    /// `DPoP-Nonce` (RFC 9449 §8.1).
    static let dpopNonce = HTTPField.Name("DPoP-Nonce") ?? .wwwAuthenticate
}
