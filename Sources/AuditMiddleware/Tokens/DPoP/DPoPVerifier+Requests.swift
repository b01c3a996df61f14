public import AuditEvents
import HTTPTypes
public import HummingbirdCore

extension DPoPVerifier {
    /// The proof of a request to a token endpoint (RFC 9449 §5): to whose key the token that is given should be bound.
    ///
    /// - Returns: nil where the request bears no proof.
    /// - Throws: `Problem` 400 with `error` `invalid_dpop_proof` or `use_dpop_nonce`, after an `authn_token_rejected`; 503 where the replays cannot be asked.
    public func proof(of request: Request, replays: any ProofReplayStoring, in audit: AuditContext) async throws -> Proof? {
        guard request.headers.contains(.dpop) else { return nil }
        do {
            let proof = try await claimed(in: request, token: nil as Substring?, replays: replays) { _ in true }
            if let nonce = proof.newNonce { audit.addResponseField(.dpopNonce, nonce) }
            return proof
        } catch let rejection as TokenRejection {
            try await audit.emit(.tokenRejected, outcome: .denied, reason: rejection.reason.code, severity: rejection.reason.severity)
            if let nonces = policy.nonces { audit.addResponseField(.dpopNonce, nonces.nonce(at: time)) }
            throw Problem(.badRequest, detail: TokenRejection.proofDetail, members: ["error": .string(rejection.proofError)])
        } catch is ProofStoreFailure {
            try await audit.emit(.tokenRejected, outcome: .error, reason: "proof_store_unavailable", severity: .medium)
            throw Problem(.serviceUnavailable, headers: [.retryAfter: "1"])
        }
    }

    /// The request's one proof, when it holds, `isRight`, and was never seen before.
    /// - Throws: `TokenRejection`, `ProofStoreFailure`.
    func claimed(
        in request: Request, token: Substring?, replays: any ProofReplayStoring, where isRight: (Proof) -> Bool
    ) async throws -> Proof {
        var fields = request.headers.lazy.filter { $0.name == .dpop }.makeIterator()
        guard let field = fields.next() else { throw TokenRejection(.proofMissing) }
        guard fields.next() == nil else { throw TokenRejection(.proofMalformed) }
        let proof = try verify(
            field.value, method: request.method, path: request.uri.path, authority: request.head.authority, token: token)
        guard isRight(proof) else { throw TokenRejection(.proofWrongToken) }
        let isFirst: Bool
        do {
            isFirst = try await replays.claim(proof.replayKey, expires: proof.expires, at: time)
        } catch { throw ProofStoreFailure() }
        guard isFirst else { throw TokenRejection(.proofReplayed) }
        return proof
    }
}

/// Whether a proof was seen before cannot be found out.
struct ProofStoreFailure: Error {}

extension TokenRejection {
    static let proofDetail = "The proof of possession is not valid."
    /// The `error` for a proof that does not hold (RFC 9449 §5 and §8).
    var proofError: String { reason == .proofNonce ? "use_dpop_nonce" : "invalid_dpop_proof" }
}
