/// A regular expression that must match a whole text, in time linear in the text's length.
public struct LinearPattern: Sendable, Hashable {
    /// Why an expression cannot be used.
    public struct Refusal: Error, Sendable, Hashable {
        public var message: String
    }

    private let program: RegexProgram

    /// - Throws: `Refusal` where the expression is malformed, too large, or needs backtracking.
    public init(_ text: String) throws(Refusal) {
        do {
            // By itself first, so that no parenthesis of the text's closes the one around it.
            _ = try RegexProgram(text)
            program = try RegexProgram("\\A(?:\(text))\\z")
        } catch {
            throw Refusal(message: error.advice.map { "\(error.message) (\($0))" } ?? error.message)
        }
    }

    public func matches(_ text: String) -> Bool { program.matches(Array(text.utf8)) }
}
