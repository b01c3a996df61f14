public import AuditEvents

/// A query as it was understood: terms that must all hold, each with alternatives. Times are absolute, so that the same expression asks for the same
/// events whenever it is run.
public struct QueryExpression: Sendable, Hashable {
    /// One alternative of a term.
    public enum Value: Sendable, Hashable {
        /// A text, in which the places that are `*` stand for any run of characters.
        case pattern([Piece])
        /// Numbers from one to another, both included.
        case range(Int64, Int64)
        case flag(Bool)
        /// Whether there is any.
        case present
    }

    /// A piece of a pattern.
    public enum Piece: Sendable, Hashable {
        case text(String)
        case any
    }

    /// A key and what it may be; negated: what it must not be.
    public struct Term: Sendable, Hashable {
        public var key: QueryKey
        public var isNegated: Bool
        public var values: [Value]

        public init(_ key: QueryKey, isNegated: Bool = false, _ values: [Value]) {
            (self.key, self.isNegated, self.values) = (key, isNegated, values)
        }
    }

    public var terms: [Term] = []
    /// The earliest event time, included.
    public var since: Timestamp?
    /// The latest event time, included.
    public var until: Timestamp?
    /// Whether Cardea's own acts (`audit_*`) are shown without being asked for by type.
    public var own = false

    public init() {}

    /// Adds alternatives to the term of a key, or a term. Words without a key must all be there, so that each is a term of its own.
    public mutating func add(_ key: QueryKey, isNegated: Bool = false, _ values: [Value]) {
        guard !values.isEmpty else { return }
        if key != .text, let place = terms.firstIndex(where: { $0.key == key && $0.isNegated == isNegated }) {
            terms[place].values += values.filter { !terms[place].values.contains($0) }
        } else {
            terms.append(Term(key, isNegated: isNegated, values))
        }
    }

    /// Whether Cardea's own acts are left out.
    var hidesOwn: Bool {
        !own
            && !terms.contains { term in
                term.key == .type && !term.isNegated
                    && term.values.contains { value in
                        guard case .pattern(let pieces) = value, case .text(let text)? = pieces.first else { return false }
                        return text.hasPrefix("audit_") || text == "audit" && pieces.count > 1
                    }
            }
    }

    /// The one text of what is asked for: terms and alternatives in order, times in UTC. Read again it is the same expression.
    public var text: String {
        var parts = terms.map { term in
            let values = term.values.map { $0.text(of: term.key) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            return (term.isNegated ? "-" : "") + (term.key == .text ? "" : term.key.rawValue + ":") + values.joined(separator: ",")
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if let since { parts.append("since:\(since)") }
        if let until { parts.append("until:\(until)") }
        if own { parts.append("own:true") }
        return parts.joined(separator: " ")
    }
}

extension QueryExpression.Value {
    /// The pattern of a text in which `*` stands for any run of characters.
    public static func pattern(_ text: String) -> QueryExpression.Value {
        var pieces: [QueryExpression.Piece] = []
        for (place, part) in text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).enumerated() {
            if place > 0, pieces.last != .any { pieces.append(.any) }
            if !part.isEmpty { pieces.append(.text(String(decoding: part, as: UTF8.self))) }
        }
        return pieces == [.any] ? .present : .pattern(pieces)
    }

    /// The text as it stands.
    public static func exactly(_ text: String) -> QueryExpression.Value { .pattern(text.isEmpty ? [] : [.text(text)]) }

    func text(of key: QueryKey) -> String {
        switch self {
        case .present: return "*"
        case .flag(let flag): return flag ? "true" : "false"
        case .range(let low, let high):
            let unit = key == .duration ? "us" : ""
            if low == high { return "\(low)\(unit)" }
            if low == .min { return "<=\(high)\(unit)" }
            return high == .max ? ">=\(low)\(unit)" : "\(low)\(unit)..\(high)\(unit)"
        case .pattern(let pieces):
            let text = pieces.map { if case .text(let text) = $0 { QueryExpression.Value.quoted(text) } else { "*" } }.joined()
            return text.isEmpty ? "\"\"" : text
        }
    }

    /// The text, in quotes where a query would not take it for one word.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { byte in
                byte > 0x20 && byte != 0x7f && !"\",:*\\<>()'".utf8.contains(byte)
            } && text.utf8.first != UInt8(ascii: "-") && !text.isEmpty && !text.contains("..")
        guard !isPlain else { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { out += "\\" }
            out.unicodeScalars.append(scalar)
        }
        return out + "\""
    }
}
