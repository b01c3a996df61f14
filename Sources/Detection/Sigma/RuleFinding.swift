/// Something about a rule file that its author should look at.
public struct RuleFinding: Sendable, Hashable {
    /// How much it matters, the gravest first.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        /// The file does not load.
        case error
        /// The file loads, and a rule in it probably does not do what its author wanted.
        case warning
        /// The rule works; its readers would like it better otherwise.
        case advice
    }

    public var severity: Severity
    /// The file's name as the caller gave it.
    public var file: String
    /// From 1; 0 where the finding is about the whole file.
    public var line: Int
    /// From 1, in Unicode scalars; 0 where the finding is about the whole file.
    public var column: Int
    /// The text that it is about, at most 80 bytes; may be empty.
    public var construct: String
    public var message: String
    /// What to write instead, where that is known.
    public var advice: String?

    public init(
        severity: Severity, file: String, line: Int = 0, column: Int = 0, construct: String = "", message: String, advice: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.construct = String(decoding: construct.utf8.prefix(80), as: UTF8.self)
        self.message = message
        self.advice = advice
    }

    init(_ error: RuleError, severity: Severity = .error) {
        self.init(
            severity: severity, file: error.file, line: error.line, column: error.column, construct: error.construct,
            message: error.message, advice: error.advice)
    }
}

extension RuleFinding: CustomStringConvertible {
    /// `file:line:column: severity: message: 'construct' (advice)`, the form that editors jump to.
    public var description: String {
        var text = file
        if line > 0 { text += ":\(line):\(column)" }
        text += ": \(severity.rawValue): \(message)"
        if !construct.isEmpty { text += ": '\(construct)'" }
        if let advice { text += " (\(advice))" }
        return text
    }
}
