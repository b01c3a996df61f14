import Crypto

/// UUIDs of version 5: the same name, the same id (RFC 9562 §5.5).
enum NameBasedUUID {
    /// Of all reports; itself made from a name in RFC 9562's namespace for DNS.
    static let namespace: [UInt8] = bytes(
        "cardea.report", in: [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8])

    static func text(_ name: String, in namespace: [UInt8] = namespace) -> String {
        let hex = bytes(name, in: namespace).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        var out = ""
        for (offset, digit) in hex.enumerated() {
            if [8, 12, 16, 20].contains(offset) { out += "-" }
            out.append(digit)
        }
        return out
    }

    private static func bytes(_ name: String, in namespace: [UInt8]) -> [UInt8] {
        var digest = Array(Insecure.SHA1.hash(data: namespace + Array(name.utf8)).prefix(16))
        digest[6] = digest[6] & 0x0f | 0x50
        digest[8] = digest[8] & 0x3f | 0x80
        return digest
    }
}
