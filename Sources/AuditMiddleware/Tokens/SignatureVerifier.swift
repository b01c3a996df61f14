public import AuditEvents

/// Verifies JWS in compact serialization (RFC 7515 §5.2) by the keys of a source.
///
/// Strict where libraries are lenient: the key is chosen by its exact `kid` alone, the algorithm is the key's and the header must agree, keys in
/// the header (`jwk`, `jku`, `x5c`, `x5u`) are never used, any `crit` or `b64` is a refusal.
public struct SignatureVerifier: Sendable {
    public struct Verified: Sendable {
        public var header: JSONObject { parsedHeader.object }
        public var payload: [UInt8]
        public var key: VerificationKey
        let parsedHeader: TokenHeader
    }

    /// The largest token looked at, in bytes.
    public let maximumBytes: Int
    let source: any KeySource
    private let headers = TokenHeaderCache()

    /// - Throws: `KeyError` as `KeySet` does.
    public init(keys: [VerificationKey], maximumBytes: Int = 8192) throws(KeyError) {
        self.init(source: try KeySet(keys), maximumBytes: maximumBytes)
    }

    public init(source: any KeySource, maximumBytes: Int = 8192) {
        self.source = source
        self.maximumBytes = maximumBytes
    }

    /// The payload of `token` when one of the keys at hand signed it.
    public func verify(_ token: some StringProtocol) throws(TokenRejection) -> Verified {
        try verify(token, by: source.current())
    }

    func verify(_ token: some StringProtocol, by keys: KeySet?) throws(TokenRejection) -> Verified {
        let token = try CompactToken(token, maximumBytes: maximumBytes)
        let known = headers.header(token.encodedHeader)
        let header = if let known { known } else { try TokenHeader(encoded: token.encodedHeader) }
        guard let keys else { throw header.rejection(.keysUnavailable) }
        guard let key = keys.key(for: header.keyID) else { throw header.rejection(.unknownKey) }
        guard KeySet.isSame(key.algorithm.name, header.algorithm) else { throw header.rejection(.algorithmNotAllowed) }
        guard let signature = token.signature, let payload = token.payload else { throw header.rejection(.malformed) }
        guard key.isValid(signature, over: token.signed) else { throw header.rejection(.badSignature) }
        if known == nil { headers.note(header, of: token.encodedHeader) }
        return Verified(payload: payload, key: key, parsedHeader: header)
    }
}
