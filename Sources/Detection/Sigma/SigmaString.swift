/// A text with Sigma's wildcards: `*` for any run, `?` for any one character, a backslash before either (or before itself) for the
/// character itself. A backslash before anything else stands for itself.
public struct SigmaString: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal([UInt8])
        case anyRun
        case anyOne
    }

    var parts: [Part]

    /// Reads the wildcards of `text`.
    public init(_ text: String) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = []
        }
        var bytes = text.utf8[...]
        while let c = bytes.popFirst() {
            switch c {
            case UInt8(ascii: "\\"):
                if let next = bytes.first, next == UInt8(ascii: "*") || next == UInt8(ascii: "?") || next == UInt8(ascii: "\\") {
                    literal.append(next)
                    bytes.removeFirst()
                } else {
                    literal.append(c)
                }
            case UInt8(ascii: "*"):
                flush()
                if parts.last != .anyRun { parts.append(.anyRun) }
            case UInt8(ascii: "?"):
                flush()
                parts.append(.anyOne)
            default: literal.append(c)
            }
        }
        flush()
        self.parts = parts
    }

    mutating func openStart() { if parts.first != .anyRun { parts.insert(.anyRun, at: 0) } }
    mutating func openEnd() { if parts.last != .anyRun { parts.append(.anyRun) } }

    /// The text itself where it holds no wildcard, else nil.
    var plain: [UInt8]? {
        switch parts.count {
        case 0: []
        case 1: if case .literal(let bytes) = parts[0] { bytes } else { nil }
        default: nil
        }
    }
}
