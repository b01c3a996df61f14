public import AuditEvents

/// Verifies JWS in compact serialization (RFC 7515 §5.2) against a fixed set of keys.
///
/// Strict where libraries are lenient: the key is chosen by its exact `kid` alone, the algorithm is the key's and the header must agree, keys in
/// the header (`jwk`, `jku`, `x5c`, `x5u`) are never used, any `crit` or `b64` is a refusal.
public struct SignatureVerifier: Sendable {
    public struct Verified: Sendable {
        public var header: JSONObject
        public var payload: [UInt8]
        public var key: VerificationKey
    }

    /// The largest token looked at, in bytes.
    public let maximumBytes: Int
    private let keys: [VerificationKey]

    /// - Throws: `KeyError.noKeys`; `.ambiguousIDs` when several keys are not told apart by their ids.
    public init(keys: [VerificationKey], maximumBytes: Int = 8192) throws(KeyError) {
        guard !keys.isEmpty else { throw .noKeys }
        for (index, key) in keys.enumerated() where keys.count > 1 {
            guard let id = key.id, !keys[..<index].contains(where: { Self.isSame($0.id, id) }) else { throw .ambiguousIDs }
        }
        self.keys = keys
        self.maximumBytes = maximumBytes
    }

    /// The payload of `token` when one of the keys signed it.
    public func verify(_ token: some StringProtocol) throws(TokenRejection) -> Verified {
        let bytes = token.utf8
        guard bytes.count <= maximumBytes else { throw TokenRejection(.tooLarge) }
        let text = Array(bytes)
        let dots = text.indices.filter { text[$0] == UInt8(ascii: ".") }
        guard dots.count == 2, let headerBytes = Base64URL.decode(text[..<dots[0]]),
            let header = (try? JSONValue(parsing: headerBytes, maximumDepth: 8))?.object
        else { throw TokenRejection(.malformed) }

        guard let algorithm = header["alg"]?.string else { throw TokenRejection(.malformed) }
        var keyID: String?
        if let value = header["kid"] {
            guard let id = value.string else { throw TokenRejection(.malformed, algorithm: RequestFacts.bounded(algorithm, to: 16)) }
            keyID = id
        }
        func refuse(_ reason: TokenRejection.Reason) -> TokenRejection {
            TokenRejection(
                reason, keyID: keyID.map { RequestFacts.bounded($0, to: 64) }, algorithm: RequestFacts.bounded(algorithm, to: 16))
        }
        guard algorithm.lowercased() != "none" else { throw refuse(.algorithmNone) }
        guard !header.contains(where: { $0.key == "crit" || $0.key == "b64" }) else { throw refuse(.unsupportedExtension) }
        guard let key = keys.first(where: { Self.isSame($0.id, keyID) }) ?? (keyID == nil && keys.count == 1 ? keys.first : nil)
        else { throw refuse(.unknownKey) }
        guard Self.isSame(key.algorithm.name, algorithm) else { throw refuse(.algorithmNotAllowed) }
        guard let signature = Base64URL.decode(text[(dots[1] + 1)...]), let payload = Base64URL.decode(text[(dots[0] + 1)..<dots[1]])
        else { throw refuse(.malformed) }
        guard key.isValid(signature, over: Array(text[..<dots[1]])) else { throw refuse(.badSignature) }
        return Verified(header: header, payload: payload, key: key)
    }

    /// Equal byte by byte: `==` of strings takes canonically equivalent ids for one.
    private static func isSame(_ a: String?, _ b: String?) -> Bool {
        switch (a, b) {
        case (nil, nil): true
        case (let a?, let b?): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }
}
