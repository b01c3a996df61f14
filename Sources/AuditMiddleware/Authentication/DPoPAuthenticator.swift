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
        tokens = JWTAuthentication(verifier: verifier, status: status, remembered: rememberedTokens)
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
            case .holds(let principal, let verified):
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
        var fields = request.headers.lazy.filter { $0.name == .dpop }.makeIterator()
        guard let field = fields.next() else { throw TokenRejection(.proofMissing) }
        guard fields.next() == nil else { throw TokenRejection(.proofMalformed) }
        let proof = try proofs.verify(field.value, method: request.method, path: request.uri.path, token: token)
        guard proof.thumbprint.utf8.elementsEqual(thumbprint.utf8) else { throw TokenRejection(.proofWrongToken) }
        let isFirst: Bool
        do {
            isFirst = try await replays.claim(proof.replayKey, expires: proof.expires, at: proofs.time)
        } catch { throw ProofStoreFailure() }
        guard isFirst else { throw TokenRejection(.proofReplayed) }
        if let nonce = proof.newNonce { audit.addResponseField(.dpopNonce, nonce) }
    }

    private func refuse(_ rejection: TokenRejection, _ audit: AuditContext) -> AuthenticationResult {
        let isNonce = rejection.reason == .proofNonce
        var result = AuthenticationRejection(
            reason: rejection.reason.code, severity: rejection.reason.severity,
            error: isNonce ? "use_dpop_nonce" : rejection.reason == .proofWrongToken ? "invalid_token" : "invalid_dpop_proof",
            detail: "The proof of possession is not valid.")
        if let algorithm = rejection.algorithm { result.details["algorithm"] = .string(algorithm) }
        if let nonces = proofs.policy.nonces { result.headers[.dpopNonce] = nonces.nonce(at: proofs.time) }
        return .rejected(result)
    }
}

/// Whether a proof was seen before cannot be found out.
private struct ProofStoreFailure: Error {}

extension HTTPField.Name {
    /// `DPoP` (RFC 9449 §4.1).
    static let dpop = HTTPField.Name("DPoP") ?? .authorization
    /// `DPoP-Nonce` (RFC 9449 §8.1).
    static let dpopNonce = HTTPField.Name("DPoP-Nonce") ?? .wwwAuthenticate
}
