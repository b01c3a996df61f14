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
        var folded: [UInt8] = []
        for c in name.utf8 {
            switch c {
            case 97...122, 48...57: folded.append(c)
            case 65...90: folded.append(c + 32)
            default: break
            }
        }
        return SecretScanner.kind(ofFoldedName: folded[...])
    }

    /// `value` without secrets, given the name it stands under. Adds the path of each thing redacted to `found`.
    static func redact(_ value: JSONValue, under name: String, path: String, found: inout [String]) -> JSONValue {
        if let kind = secretKind(ofField: name) {
            switch value {
            case .null, .bool: return value
            case .string(let text) where text.isEmpty || text.hasPrefix("[redacted:") || Fingerprinter.isFingerprint(text): return value
            default:
                found.append(path)
                return .string("[redacted:\(kind)]")
            }
        }
        switch value {
        case .string(let text):
            guard let clean = redact(text) else { return value }
            found.append(path)
            return .string(clean)
        case .array(let elements):
            return .array(elements.map { redact($0, under: "", path: path, found: &found) })
        case .object(let object):
            return .object(redact(object, path: path, found: &found))
        default: return value
        }
    }

    static func redact(_ object: JSONObject, path: String, found: inout [String]) -> JSONObject {
        var result = object
        for member in object {
            let place = path.isEmpty ? member.key : path + "." + member.key
            let clean = redact(member.value, under: member.key, path: place, found: &found)
            if clean != member.value { result[member.key] = clean }
            if let name = redact(member.key) {
                result[member.key] = nil
                result[name] = clean
                found.append(path + ".[name]")
            }
        }
        return result
    }
}
