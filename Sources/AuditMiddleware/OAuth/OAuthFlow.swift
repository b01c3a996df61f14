import AuditEvents
import Crypto

/// One sign-in between its start and its callback, as the browser carries it: sealed with AES-GCM in a cookie, so that nothing is stored here.
struct OAuthFlow: Sendable, Hashable {
    var provider: String
    var state: String
    var nonce: String
    /// PKCE's code verifier (RFC 7636 §4.1).
    var verifier: String
    var returnPath: String
    var expires: Timestamp

    init(provider: String, returnPath: String, expires: Timestamp) {
        (self.provider, self.returnPath, self.expires) = (provider, returnPath, expires)
        (state, nonce, verifier) = (Secret.make(), Secret.make(), Secret.make())
    }

    /// The S256 challenge of the verifier (RFC 7636 §4.2).
    var challenge: String { String(decoding: Base64URL.encode(Array(SHA256.hash(data: Array(verifier.utf8)))), as: UTF8.self) }

    func sealed(with key: SymmetricKey) throws -> String {
        let json: JSONObject = [
            "p": .string(provider), "s": .string(state), "n": .string(nonce), "v": .string(verifier), "r": .string(returnPath),
            "e": .int(expires.microseconds),
        ]
        let box = try AES.GCM.seal(CanonicalJSON.encode(.object(json)), using: key, authenticating: Self.context)
        return String(decoding: Base64URL.encode(box.nonce + box.ciphertext + box.tag), as: UTF8.self)
    }

    /// Nil for what was not sealed with `key`.
    init?(sealed text: String, with key: SymmetricKey) {
        guard text.utf8.count <= 4096, let bytes = Base64URL.decode(Array(text.utf8)), bytes.count >= 28,
            let box = try? AES.GCM.SealedBox(combined: bytes),
            let plain = try? AES.GCM.open(box, using: key, authenticating: Self.context),
            let json = (try? JSONValue(parsing: plain, maximumDepth: 2))?.object, let provider = json["p"]?.string,
            let state = json["s"]?.string,
            let nonce = json["n"]?.string, let verifier = json["v"]?.string, let path = json["r"]?.string, let expires = json["e"]?.int
        else { return nil }
        (self.provider, self.state, self.nonce, self.verifier, returnPath) = (provider, state, nonce, verifier, path)
        self.expires = Timestamp(microseconds: expires)
    }

    private static let context = Array("cardea/oauth/flow/1".utf8)
}

/// Where a browser is sent after a sign-in: a path of this host and nothing else.
enum LocalPath {
    /// Whether `path` starts with one slash, has no second one after another before its query, and is of visible ASCII without backslashes, at most
    /// 512 bytes: nothing that a browser, or a proxy that decodes once, could take for another host.
    static func isAcceptable(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.count <= 512,
            bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") })
        else { return false }
        let plain = bytes.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        // The first digits of escaped control characters; %2F and %5C.
        let escapes = ["%0", "%1", "%2f", "%5c"].map { Array($0.utf8) }
        let lowered = plain.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        guard !lowered.indices.contains(where: { i in escapes.contains { lowered[i...].starts(with: $0) } }) else { return false }
        return !zip(plain, plain.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
            && !plain.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }
}
