/// Keeps secrets out of the record: what is sealed cannot be taken out again.
///
/// Values under names that promise a secret, and values shaped like one wherever they stand, are replaced by `[redacted:KIND]`. A pure function
/// of its input; applying it twice changes nothing more.
public enum Redaction {
    /// `text` with every secret-shaped part replaced; nil where there is none (the usual case, found in one pass).
    public static func redact(_ text: String) -> String? {
        var text = text
        return text.withUTF8 { SecretScanner(bytes: $0).redacted() }
    }

    /// The kind of secret that a field of this name would hold, or nil: `password` for `user[Password]`, `cookie` for `Set-Cookie`.
    public static func secretKind(ofField name: String) -> String? {
        // A name so long names nothing; its end is what counts.
        var name = name
        return name.withUTF8 { bytes in
            let end = UnsafeBufferPointer(rebasing: bytes.suffix(256))
            return end.contains(UInt8(ascii: "%")) ? SecretName.kind(SecretName.decoded(Array(end))) : SecretName.kind(end)
        }
    }

    /// Whether `text` is a mark that this type leaves, and nothing else.
    static func isMark(_ text: String) -> Bool {
        let bytes = Array(text.utf8.prefix(64))
        return bytes.withUnsafeBufferPointer { SecretScanner(bytes: $0).markEnd(at: 0) } == text.utf8.count
    }
}
