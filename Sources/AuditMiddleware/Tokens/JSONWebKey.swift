public import AuditEvents
import Crypto
import CryptoExtras

/// One JWK (RFC 7517), read strictly: every member that is understood must be what RFC 7518 §6 or RFC 8037 §2 says.
///
/// What it may be used for is asked of it: `verificationKey`, `signingKey`. Members that are not understood (`x5c` and others) are ignored.
public struct JSONWebKey: Sendable {
    enum Material: Sendable {
        case octets([UInt8])
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The `kid`.
    public let id: String?
    /// The `alg`, where the key names one.
    public let algorithm: SigningAlgorithm?
    /// Whether it is a shared secret.
    public var isSymmetric: Bool { if case .octets = material { true } else { false } }
    /// Whether it holds what signs: a shared secret, or a private member.
    public var isPrivate: Bool { isSymmetric || json["d"] != nil }
    let material: Material
    let json: JSONObject
    private let use: String?
    private let operations: [String]?

    /// - Throws: `KeyError`: what is wrong with the key itself.
    public init(_ json: JSONObject) throws(KeyError) {
        self.json = json
        guard let type = try Self.text("kty", json) else { throw .malformed("kty") }
        id = try Self.text("kid", json)
        guard (id?.utf8.count ?? 0) <= 256 else { throw .malformed("kid") }
        use = try Self.text("use", json)
        operations = try Self.operations(json)
        switch type {
        case "oct": material = .octets(try Self.bytes("k", json))
        case "RSA":
            // More than two primes (`oth`) are not supported.
            guard json["oth"] == nil else { throw .unsupported }
            let (n, e) = (try Self.bytes("n", json), try Self.bytes("e", json))
            try RSAKeyRules.check(modulus: n, exponent: e)
            guard let key = try? _RSA.Signing.PublicKey(n: n, e: e) else { throw .malformed("n") }
            material = .rsa(key)
        case "EC": material = try Self.ellipticKey(json)
        case "OKP":
            guard try Self.text("crv", json) == "Ed25519" else { throw .unsupported }
            let x = try Self.bytes("x", json, count: 32)
            guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x) else { throw .malformed("x") }
            material = .ed25519(key)
        default: throw .unsupported
        }
        if let name = try Self.text("alg", json) {
            // `ES521` is how ES512 is often written wrongly. The curve decides, so that it cannot be mistaken for anything else.
            let name = if name == "ES521", case .p521 = material { "ES512" } else { name }
            guard let named = SigningAlgorithm(name: name) else { throw .unsupported }
            guard Self.fits(named, material) else { throw .algorithmMismatch }
            algorithm = named
        } else {
            algorithm = nil
        }
    }

    /// The key as one that verifies. Private members play no part in it.
    ///
    /// - Parameter allowed: the algorithms that come into question. A key without `alg` gets that of its curve, or the first here that fits it.
    /// - Throws: `KeyError.wrongUse` where `use` or `key_ops` say otherwise; `.algorithmMismatch`; `.tooShort`.
    public func verificationKey(allowing allowed: [SigningAlgorithm]) throws(KeyError) -> VerificationKey {
        guard use == nil || use == "sig", operations?.contains("verify") ?? true else { throw .wrongUse }
        guard let algorithm = algorithm ?? allowed.first(where: { Self.fits($0, material) }), allowed.contains(algorithm) else {
            throw .algorithmMismatch
        }
        switch material {
        case .octets(let bytes): return try .hmac(bytes, algorithm: algorithm, id: id)
        case .rsa(let key): return VerificationKey(id: id, algorithm: algorithm, material: .rsa(key))
        case .p256(let key): return .es256(key, id: id)
        case .p384(let key): return .es384(key, id: id)
        case .p521(let key): return .es512(key, id: id)
        case .ed25519(let key): return .ed25519(key, id: id)
        }
    }

    static func fits(_ algorithm: SigningAlgorithm, _ material: Material) -> Bool {
        switch material {
        case .octets: algorithm.isSymmetric
        case .rsa: algorithm.isRSA
        case .p256: algorithm == .es256
        case .p384: algorithm == .es384
        case .p521: algorithm == .es512
        case .ed25519: algorithm == .edDSA
        }
    }
}

extension JSONWebKey {
    /// The key as one that signs.
    ///
    /// - Parameter algorithm: for a key without `alg` that does not say it by its curve.
    /// - Throws: `KeyError.wrongUse` where `use` or `key_ops` say otherwise; `.malformed` without the private members; `.algorithmMismatch`.
    public func signingKey(algorithm wanted: SigningAlgorithm? = nil) throws(KeyError) -> SigningKey {
        guard use == nil || use == "sig", operations?.contains("sign") ?? true else { throw .wrongUse }
        let all = wanted.map { [$0] } ?? (isSymmetric ? [.hs256, .hs384, .hs512] : SigningAlgorithm.asymmetric)
        guard let algorithm = algorithm ?? all.first(where: { Self.fits($0, material) }), all.contains(algorithm) else {
            throw .algorithmMismatch
        }
        let key: SigningKey
        switch material {
        case .octets(let bytes): return try .hmac(bytes, algorithm: algorithm, id: id)
        case .rsa:
            let (n, e, d) = (try Self.bytes("n", json), try Self.bytes("e", json), try Self.bytes("d", json))
            let (p, q) = (try Self.bytes("p", json), try Self.bytes("q", json))
            guard let made = try? _RSA.Signing.PrivateKey(n: n, e: e, d: d, p: p, q: q) else { throw .malformed("d") }
            return try .rsa(made, algorithm: algorithm, id: id)
        case .p256(let expected):
            guard let made = try? P256.Signing.PrivateKey(rawRepresentation: try Self.bytes("d", json, count: 32)),
                made.publicKey.rawRepresentation == expected.rawRepresentation
            else { throw .malformed("d") }
            key = .es256(made, id: id)
        case .p384(let expected):
            guard let made = try? P384.Signing.PrivateKey(rawRepresentation: try Self.bytes("d", json, count: 48)),
                made.publicKey.rawRepresentation == expected.rawRepresentation
            else { throw .malformed("d") }
            key = .es384(made, id: id)
        case .p521(let expected):
            guard let made = try? P521.Signing.PrivateKey(rawRepresentation: try Self.bytes("d", json, count: 66)),
                made.publicKey.rawRepresentation == expected.rawRepresentation
            else { throw .malformed("d") }
            key = .es512(made, id: id)
        case .ed25519(let expected):
            guard let made = try? Curve25519.Signing.PrivateKey(rawRepresentation: try Self.bytes("d", json, count: 32)),
                made.publicKey.rawRepresentation == expected.rawRepresentation
            else { throw .malformed("d") }
            key = .ed25519(made, id: id)
        }
        return key
    }

    private static func text(_ name: String, _ json: JSONObject) throws(KeyError) -> String? {
        switch json[name] {
        case .none: return nil
        case .string(let text): return text
        default: throw .malformed(name)
        }
    }

    private static func bytes(_ name: String, _ json: JSONObject, count: Int? = nil) throws(KeyError) -> [UInt8] {
        guard let text = try text(name, json), text.utf8.count <= 2048, let bytes = Base64URL.decode(text.utf8),
            count == nil || bytes.count == count
        else { throw .malformed(name) }
        return bytes
    }

    /// RFC 7517 §4.3: strings, none of them twice.
    private static func operations(_ json: JSONObject) throws(KeyError) -> [String]? {
        guard let value = json["key_ops"] else { return nil }
        guard let all = value.array, all.count <= 16 else { throw .malformed("key_ops") }
        let names = all.compactMap(\.string)
        guard names.count == all.count, Set(names).count == names.count else { throw .malformed("key_ops") }
        return names
    }

    /// RFC 7518 §6.2.1: coordinates in full length, leading zeros included. That the point is on the curve is the constructor's check.
    private static func ellipticKey(_ json: JSONObject) throws(KeyError) -> Material {
        func point(_ count: Int) throws(KeyError) -> [UInt8] {
            [4] + (try bytes("x", json, count: count)) + (try bytes("y", json, count: count))
        }
        switch try text("crv", json) {
        case "P-256":
            let bytes = try point(32)
            if let key = try? P256.Signing.PublicKey(x963Representation: bytes) { return .p256(key) }
        case "P-384":
            let bytes = try point(48)
            if let key = try? P384.Signing.PublicKey(x963Representation: bytes) { return .p384(key) }
        case "P-521":
            let bytes = try point(66)
            if let key = try? P521.Signing.PublicKey(x963Representation: bytes) { return .p521(key) }
        case nil: throw .malformed("crv")
        default: throw .unsupported
        }
        throw .malformed("x")
    }
}
