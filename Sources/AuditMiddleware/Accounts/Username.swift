/// A name to sign in with, in its one form.
///
/// Of RFC 8265's UsernameCaseMapped the subset that leaves nothing to confuse: the ASCII letters and digits and `.`, `_`, `-`, `+`, `@`, beginning
/// with a letter or digit, 1 to 64 bytes, letters folded to lower case. Everything else is refused, not mapped: no two writings of one name
/// become two accounts, and no two names (a Cyrillic а, a fullwidth ａ, a combining mark, K of Kelvin) become one.
public struct Username: Sendable, Hashable, CustomStringConvertible {
    /// Lower-case ASCII.
    public let description: String

    /// The name that was typed; nil where no account can be called so.
    public init?(_ typed: String) {
        var bytes: [UInt8] = []
        guard (1...64).contains(typed.utf8.count) else { return nil }
        for byte in typed.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): bytes.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte | 0x20)
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "@"):
                guard !bytes.isEmpty else { return nil }
                bytes.append(byte)
            default: return nil
            }
        }
        description = String(decoding: bytes, as: UTF8.self)
    }
}
