public import AuditEvents
import HTTPTypes
public import HummingbirdCore
import NIOCore

/// A JWK set (RFC 7517 §5). Keys in it that cannot be used are passed over, as the RFC says, and counted.
public struct JSONWebKeySet: Sendable {
    public let keys: [JSONWebKey]
    /// How many keys were passed over, and what was wrong with the first of them.
    public let unusable: Int
    public let firstProblem: KeyError?
    /// The ids of keys that cannot be read and may have been meant: a readable key of such an id is no more certain than one of two.
    private let unreadable: [String]

    /// - Throws: `KeyError.malformed` where it is no set at all; `.tooMany`.
    public init(parsing bytes: [UInt8], maximumKeys: Int = 64) throws(KeyError) {
        guard let json = (try? JSONValue(parsing: bytes, maximumDepth: 8))?.object else { throw .malformed("json") }
        try self.init(json, maximumKeys: maximumKeys)
    }

    public init(_ json: JSONObject, maximumKeys: Int = 64) throws(KeyError) {
        guard let elements = json["keys"]?.array else { throw .malformed("keys") }
        guard elements.count <= maximumKeys else { throw .tooMany }
        var (keys, unusable, problem): ([JSONWebKey], Int, KeyError?) = ([], 0, nil)
        var unreadable: [String] = []
        for element in elements {
            do throws(KeyError) {
                guard let object = element.object else { throw .malformed("keys") }
                keys.append(try JSONWebKey(object))
            } catch {
                unusable += 1
                problem = problem ?? error
                if let id = element.object?["kid"]?.string, element.object?["use"] != "enc" { unreadable.append(id) }
            }
        }
        self.unreadable = unreadable
        (self.keys, self.unusable, self.firstProblem) = (keys, unusable, problem)
    }

    /// The keys of the set that may verify.
    ///
    /// Keys for other uses and algorithms are passed over; so are keys of one id, all of them, and keys without an id beside others: nothing says
    /// which is meant.
    /// - Parameter onlyPublic: whether shared and private keys are passed over too: whoever reads such a set could sign.
    /// - Throws: `KeyError.mixedKinds` for shared secrets beside public keys; `.noKeys` where none is left.
    public func verificationKeys(allowing allowed: [SigningAlgorithm], onlyPublic: Bool) throws(KeyError) -> [VerificationKey] {
        let symmetric = keys.count(where: \.isSymmetric)
        guard symmetric == 0 || symmetric == keys.count || onlyPublic else { throw .mixedKinds }
        let usable = keys.compactMap { key in
            onlyPublic && key.isPrivate ? nil : try? key.verificationKey(allowing: allowed)
        }
        let counts = (usable.map(\.id) + unreadable).reduce(into: [[UInt8]: Int]()) { $0[Array(($1 ?? "").utf8), default: 0] += 1 }
        let distinct = usable.filter { key in
            key.id.map { counts[Array($0.utf8)] == 1 } ?? (usable.count == 1)
        }
        guard !distinct.isEmpty else { throw usable.isEmpty ? .noKeys : .ambiguousIDs }
        return distinct
    }

    /// The document of one's own public keys, for `/.well-known/jwks.json`. Shared secrets are left out.
    public static func document(of keys: [VerificationKey]) -> [UInt8] {
        CanonicalJSON.encode(.object(["keys": .array(keys.compactMap { $0.jsonWebKey.map { .object($0) } })]))
    }

    /// The response with that document, cacheable for `maximumAgeSeconds`.
    public static func response(of keys: [VerificationKey], maximumAgeSeconds: Int = 300) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/jwk-set+json", .cacheControl: "public, max-age=\(maximumAgeSeconds)"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: document(of: keys))))
    }
}
