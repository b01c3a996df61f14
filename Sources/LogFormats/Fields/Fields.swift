import AuditEvents

/// Where a value lies in a line of fields: `request.client_ip`, or a name that holds dots itself. A number is an array's index.
struct FieldPath: Sendable, Hashable, ExpressibleByStringLiteral {
    let whole: String
    let names: [String]

    init(_ text: String) {
        whole = text
        names = text.split(separator: ".").map(String.init)
    }

    init(stringLiteral value: String) { self.init(value) }
}

/// A line that names its fields: JSON, logfmt, or what a scanner found in text.
struct Fields: Sendable {
    var object: JSONObject
    /// Whether the line was cut, so that fields behind the cut are missing.
    var isTruncated = false

    subscript(path: FieldPath) -> JSONValue? {
        if let value = object[path.whole] { return value }
        guard path.names.count > 1 else { return nil }
        var value = JSONValue.object(object)
        for name in path.names {
            switch value {
            case .object(let inner):
                guard let next = inner[name] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    /// A value as text: nil where it is missing, null, empty or `-`; of a list its first element.
    func text(_ path: FieldPath) -> String? { self[path].flatMap(Fields.text) }

    func text(_ paths: [FieldPath]) -> String? {
        for path in paths { if let text = text(path) { return text } }
        return nil
    }

    static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text.isEmpty || text == "-" ? nil : text
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .bool(let flag): flag ? "true" : "false"
        case .array(let elements): elements.first.flatMap { if case .array = $0 { nil } else { text($0) } }
        case .null, .object: nil
        }
    }
}

/// A format whose lines name their fields.
protocol FieldFormat: Sendable {
    /// What the fields say; nil where they are not of this format.
    mutating func read(_ fields: Fields, clock: inout LogClock) -> LogLine?

    /// Whether the fields look like a line of the same program that says nothing of security; asked only when no format has read them.
    func isKin(_ fields: Fields) -> Bool
}
