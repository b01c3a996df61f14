import AuditEvents

/// `key=value key="a \"quoted\" value"`, as Go's loggers write.
enum Logfmt {
    static let maximumFields = 256

    /// Whether a line may be logfmt at all: a name and `=` at its beginning.
    static func isLikely(_ line: Bytes) -> Bool {
        let name = line.prefix(33).prefix { isNameByte($0) }
        return !name.isEmpty && name.count <= 32 && name.endIndex < line.endIndex && line[name.endIndex] == UInt8(ascii: "=")
    }

    /// The fields; of two with one name the first counts, for what a client chose stands behind. Nil where the line is not logfmt.
    ///
    /// Go writes a value in quotes as soon as it holds a space, a quote or `=`, so nothing of a client's can begin a field of its own.
    static func fields(_ line: Bytes) -> Fields? {
        guard isLikely(line) else { return nil }
        var rest = line
        var fields = Fields(object: JSONObject())
        for _ in 0..<maximumFields {
            rest.skipSpaces()
            if rest.isEmpty { return fields }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: " ") }
            rest = rest[name.endIndex...]
            guard !name.isEmpty else { return nil }
            guard rest.consume("=") else { continue }
            let value: Bytes
            if rest.consume("\"") {
                guard let quoted = takeQuoted(&rest) else {
                    // Cut within the last value, which is left out: half a secret is not known by its shape.
                    fields.isTruncated = true
                    return fields
                }
                value = quoted
            } else {
                value = rest.takeField()
            }
            let key = name.text
            if fields.object[key] == nil { fields.object[key] = .string(value.text) }
        }
        return fields
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Takes up to the closing quote, escapes undone.
    static func takeQuoted(_ rest: inout Bytes) -> Bytes? {
        var position = rest.startIndex
        while position < rest.endIndex {
            switch rest[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""):
                defer { rest = rest[(position + 1)...] }
                return rest[..<position].unescaped
            default: position += 1
            }
        }
        return nil
    }
}
