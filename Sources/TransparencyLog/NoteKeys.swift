public import Crypto

/// A public key under which notes are signed (C2SP signed-note, tlog-cosignature).
public struct NoteVerifier: Sendable, Hashable {
    public enum Algorithm: UInt8, Sendable, Hashable {
        case ed25519 = 1
        /// A witness's, with the time at which it signed.
        case cosignature = 4
    }

    public let name: String
    public let algorithm: Algorithm
    /// 32 bytes.
    public let key: [UInt8]
    /// The first four bytes of a hash of name, algorithm and key.
    public let id: [UInt8]

    /// Nil for a name with blanks or `+`, or a key that is none.
    public init?(name: String, algorithm: Algorithm = .ed25519, key: [UInt8]) {
        guard NoteVerifier.isName(Array(name.utf8)[...]), (try? Curve25519.Signing.PublicKey(rawRepresentation: key)) != nil else {
            return nil
        }
        (self.name, self.algorithm, self.key) = (name, algorithm, key)
        id = Array(SHA256.hash(data: Array(name.utf8) + [0x0a, algorithm.rawValue] + key).prefix(4))
    }

    /// The same key under another name; nil for a name with blanks or `+`.
    public func named(_ name: String) -> NoteVerifier? { NoteVerifier(name: name, algorithm: algorithm, key: key) }

    /// Reads `NAME+HEX+BASE64`.
    ///
    /// - Throws: `NoteError` with `.malformed`.
    public init(_ text: String) throws(NoteError) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decode(parts[2]), let first = bytes.first, bytes.count == 33 else {
            throw NoteError(.malformed, "a verifier key is NAME+HASH+KEY")
        }
        guard let algorithm = Algorithm(rawValue: first) else { throw NoteError(.malformed, "a verifier key of an unknown algorithm") }
        guard let key = NoteVerifier(name: String(parts[0]), algorithm: algorithm, key: Array(bytes[1...])),
            key.hex.utf8.elementsEqual(parts[1].utf8)
        else { throw NoteError(.malformed, "a verifier key whose hash is not that of its name and key") }
        self = key
    }

    /// `NAME+HEX+BASE64`.
    public var text: String { "\(name)+\(hex)+\(Base64.encode([algorithm.rawValue] + key))" }

    /// The key id as eight hexadecimal digits.
    public var hex: String { id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// Not empty, without blanks of any kind and without `+`.
    static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        let name = String(decoding: bytes, as: UTF8.self)
        return !bytes.isEmpty && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value >= 0x20 && $0 != "+" }
    }

    /// Whether the signature is this key's of the text.
    public func verifies(_ signature: [UInt8], of text: String) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
        switch algorithm {
        case .ed25519: return key.isValidSignature(signature, for: Array(text.utf8))
        case .cosignature:
            guard let time = NoteVerifier.time(of: signature) else { return false }
            return key.isValidSignature(signature.dropFirst(8), for: NoteVerifier.cosigned(text, at: time))
        }
    }

    /// When a witness signed, in seconds since 1970: the first eight bytes of its signature.
    public static func time(of cosignature: [UInt8]) -> UInt64? {
        guard cosignature.count == 72 else { return nil }
        return cosignature.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    static func cosigned(_ text: String, at time: UInt64) -> [UInt8] { Array("cosignature/v1\ntime \(time)\n\(text)".utf8) }
}

/// A private key that signs notes. Its text is a secret.
public struct NoteSigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    public let verifier: NoteVerifier

    /// Nil for a name with blanks or `+`.
    public init?(name: String, key: Curve25519.Signing.PrivateKey = .init(), algorithm: NoteVerifier.Algorithm = .ed25519) {
        guard let verifier = NoteVerifier(name: name, algorithm: algorithm, key: Array(key.publicKey.rawRepresentation)) else { return nil }
        (self.key, self.verifier) = (key, verifier)
    }

    /// The same key under another name; nil for a name with blanks or `+`.
    public func named(_ name: String) -> NoteSigner? { NoteSigner(name: name, key: key, algorithm: verifier.algorithm) }

    /// Reads `PRIVATE+KEY+NAME+HEX+BASE64`.
    ///
    /// - Throws: `NoteError` with `.malformed`, which does not hold the text.
    public init(_ text: String) throws(NoteError) {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let bytes = Base64.decode(parts[4]), bytes.count == 33,
            let algorithm = bytes.first.flatMap(NoteVerifier.Algorithm.init),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes[1...]),
            let signer = NoteSigner(name: String(parts[2]), key: key, algorithm: algorithm), signer.hex.utf8.elementsEqual(parts[3].utf8)
        else { throw NoteError(.malformed, "a signing key is PRIVATE+KEY+NAME+HASH+KEY") }
        self = signer
    }

    /// `PRIVATE+KEY+NAME+HEX+BASE64`.
    public var secretText: String {
        "PRIVATE+KEY+\(verifier.name)+\(hex)+\(Base64.encode([verifier.algorithm.rawValue] + Array(key.rawRepresentation)))"
    }

    private var hex: String { verifier.hex }

    /// The signature of a text that ends with a line feed.
    ///
    /// - Parameter time: when a witness signs, in seconds since 1970; not used otherwise.
    public func sign(_ text: String, at time: UInt64 = 0) throws -> SignedNote.Signature {
        var bytes: [UInt8] = []
        switch verifier.algorithm {
        case .ed25519: bytes = Array(try key.signature(for: Array(text.utf8)))
        case .cosignature:
            bytes = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> UInt64($0)) }
            bytes += try key.signature(for: NoteVerifier.cosigned(text, at: time))
        }
        return SignedNote.Signature(name: verifier.name, keyID: verifier.id, bytes: bytes)
    }
}

extension NoteSigner: CustomStringConvertible, CustomReflectable {
    /// Without the key.
    public var description: String { "NoteSigner(\(verifier.text))" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
