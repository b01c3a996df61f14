/// Why a rule file cannot be loaded: which construct, where, and what to write instead.
public struct RuleError: Error, Sendable, Hashable {
    /// The kind of fault; a struct, so that it can grow.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Not YAML, not UTF-8, or with anchors and aliases.
        public static let yaml = Code(rawValue: "yaml")
        /// Larger or deeper than a rule may be.
        public static let limit = Code(rawValue: "limit")
        /// A required key is missing or has the wrong shape.
        public static let structure = Code(rawValue: "structure")
        /// Valid Sigma that Cardea does not evaluate.
        public static let unsupported = Code(rawValue: "unsupported")
        /// A value that means nothing where it stands.
        public static let value = Code(rawValue: "value")
        /// A condition that does not follow the grammar or names an unknown selection.
        public static let condition = Code(rawValue: "condition")
        /// A regular expression that is malformed, too large, or needs backtracking.
        public static let regex = Code(rawValue: "regex")
        /// A correlation names a rule that no file holds, or an id is given twice.
        public static let reference = Code(rawValue: "reference")
    }

    public var code: Code
    /// The file's name as the caller gave it.
    public var file: String
    /// From 1; 0 where the fault is the whole file's.
    public var line: Int
    /// From 1, in Unicode scalars; 0 where the fault is the whole file's.
    public var column: Int
    /// The offending text, at most 80 bytes of it.
    public var construct: String
    public var message: String
    /// What to write instead, where that is known.
    public var advice: String?

    public init(
        code: Code, file: String, line: Int = 0, column: Int = 0, construct: String = "", message: String, advice: String? = nil
    ) {
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.construct = String(decoding: construct.utf8.prefix(80), as: UTF8.self)
        self.message = message
        self.advice = advice
    }
}

extension RuleError: CustomStringConvertible {
    /// `file:line:column: message: 'construct' (advice)`.
    public var description: String { "\(place): \(text)" }

    var place: String { line > 0 ? "\(file):\(line):\(column)" : file }

    var text: String {
        var text = message
        if !construct.isEmpty { text += ": '\(construct)'" }
        if let advice { text += " (\(advice))" }
        return text
    }
}

/// Every fault found in a set of rule files; a file contributes at most one fault for each of its documents.
public struct RuleErrors: Error, Sendable, Hashable, CustomStringConvertible {
    public var errors: [RuleError]
    public init(_ errors: [RuleError]) { self.errors = errors }
    /// One fault a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
