public import AuditEvents
import Crypto
public import HTTPTypes

/// Verifies proofs of possession: the JWT in the field `DPoP` that a client signs for one request (RFC 9449 §4.3). Pure but for the clock.
public struct DPoPVerifier: Sendable {
    public struct Policy: Sendable {
        /// The URL under which clients reach the service, such as `https://api.example.com`, and what `htu` is compared with: behind a proxy the
        /// server itself cannot know it. Nil for the request's own authority, of either scheme: where clients reach the server itself, and only behind
        /// `TrustedHosts`, or a proof for another host would do.
        public var publicBase: String?
        /// The algorithms of proofs; shared secrets are none.
        public var algorithms: [SigningAlgorithm]
        /// How old a proof may be, and how far ahead of this clock, in seconds.
        public var windowSeconds: Int64
        public var leewaySeconds: Int64
        /// Whether proofs must bear a nonce of ours, and which.
        public var nonces: ProofNonces?
        public var maximumBytes = 4096

        public init(
            publicBase: String?, algorithms: [SigningAlgorithm] = [.es256, .edDSA, .es384, .es512, .ps256, .rs256],
            windowSeconds: Int64 = 60,
            leewaySeconds: Int64 = 10, nonces: ProofNonces? = nil
        ) {
            self.publicBase = publicBase.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
            self.algorithms = algorithms.filter { !$0.isSymmetric }
            self.windowSeconds = min(max(windowSeconds, 1), 600)
            self.leewaySeconds = min(max(leewaySeconds, 0), 300)
            self.nonces = nonces
        }
    }

    /// A proof that holds for its request, and was not yet compared with what was seen before.
    public struct Proof: Sendable, Hashable {
        /// The thumbprint of the key that signed it: what a token for this client is bound to.
        public var thumbprint: String
        /// What it is remembered by: a hash of key and `jti`.
        public var replayKey: [UInt8]
        /// When it would be refused for its age.
        public var expires: Timestamp
        /// The nonce that the client should use from now on, where it used the previous one.
        public var newNonce: String?
    }

    public let policy: Policy
    private let now: @Sendable () -> Timestamp

    /// - Throws: `InvalidPublicBase` where the public URL is none, or has a query or fragment.
    public init(_ policy: Policy, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now) throws(InvalidPublicBase) {
        if let base = policy.publicBase {
            guard ProofTarget(base) != nil, !base.utf8.contains(where: { $0 == 0x3f || $0 == 0x23 }) else { throw InvalidPublicBase() }
        }
        self.policy = policy
        self.now = now
    }

    /// The public URL is not an absolute `http` or `https` URL without query.
    public struct InvalidPublicBase: Error, Sendable, Hashable {}

    var time: Timestamp { now() }

    /// - Parameters:
    ///   - path: the request's, without query.
    ///   - authority: the request's own host and port, which counts where the policy has no `publicBase`.
    ///   - token: the access token that comes with the proof; nil at the token endpoint, where there is none yet.
    public func verify(
        _ proof: some StringProtocol, method: HTTPRequest.Method, path: String, authority: String? = nil, token: (some StringProtocol)?
    ) throws(TokenRejection) -> Proof {
        guard proof.utf8.count <= policy.maximumBytes else { throw TokenRejection(.proofMalformed) }
        let (compact, header): (CompactToken, TokenHeader)
        do throws(TokenRejection) {
            compact = try CompactToken(proof, maximumBytes: policy.maximumBytes)
            header = try TokenHeader(encoded: compact.encodedHeader)
        } catch {
            guard error.reason == .malformed else { throw error }
            throw TokenRejection(.proofMalformed)
        }
        guard header.type == "dpop+jwt", let jwk = header.object["jwk"]?.object else { throw header.rejection(.proofMalformed) }
        let key = try key(jwk, header)
        guard let signature = compact.signature, let payload = compact.payload else { throw header.rejection(.proofMalformed) }
        guard key.isValid(signature, over: compact.signed) else { throw header.rejection(.proofBadSignature) }

        guard let claims = (try? JSONValue(parsing: payload, maximumDepth: 8))?.object, let id = claims["jti"]?.string,
            (1...256).contains(id.utf8.count), let issued = claims["iat"].flatMap({ Timestamp(numericDate: $0) }),
            let htm = claims["htm"]?.string, let htu = claims["htu"]?.string, let thumbprint = key.thumbprint
        else { throw header.rejection(.proofMalformed) }
        guard htm.utf8.elementsEqual(method.rawValue.utf8), let named = ProofTarget(htu),
            isTarget(named, path: path, authority: authority)
        else { throw header.rejection(.proofWrongTarget) }

        let now = now()
        var newNonce: String?
        if let nonces = policy.nonces {
            let judged = claims["nonce"]?.string.map { nonces.judge($0, at: now) }
            guard let judged, judged.isGood else { throw header.rejection(.proofNonce) }
            if !judged.isPresent { newNonce = nonces.nonce(at: now) }
        }
        let expires = issued.advanced(bySeconds: policy.windowSeconds)
        guard now < expires, issued <= now.advanced(bySeconds: policy.leewaySeconds) else { throw header.rejection(.proofOutOfTime) }
        if let token {
            let hash = String(decoding: Base64URL.encode(Array(SHA256.hash(data: Array(token.utf8)))), as: UTF8.self)
            guard let named = claims["ath"]?.string, named.utf8.elementsEqual(hash.utf8) else { throw header.rejection(.proofWrongToken) }
        }
        let replayKey = Array(SHA256.hash(data: Array(thumbprint.utf8) + [0] + Array(id.utf8)))
        return Proof(thumbprint: thumbprint, replayKey: replayKey, expires: expires, newNonce: newNonce)
    }

    private func isTarget(_ named: ProofTarget, path: String, authority: String?) -> Bool {
        if let base = policy.publicBase { return named == ProofTarget(base: base, path: path) }
        guard let authority else { return false }
        return ["https", "http"].contains { named == ProofTarget(base: "\($0)://\(authority)", path: path) }
    }

    /// The key in the header: public, of the algorithm that the header names, and that one accepted.
    private func key(_ jwk: JSONObject, _ header: TokenHeader) throws(TokenRejection) -> VerificationKey {
        guard let algorithm = SigningAlgorithm(name: header.algorithm), policy.algorithms.contains(algorithm), jwk.count <= 16,
            let read = try? JSONWebKey(jwk), !read.isPrivate, let key = try? read.verificationKey(allowing: [algorithm])
        else { throw header.rejection(.proofKeyNotAllowed) }
        return key
    }
}
