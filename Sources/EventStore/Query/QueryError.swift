/// Why a query is none, and where.
public struct QueryError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    /// The character at which it was seen, from 1.
    public var position: Int
    public var hint: String?

    init(_ message: String, at position: Int, hint: String? = nil) { (self.message, self.position, self.hint) = (message, position, hint) }

    public var description: String { "at \(position): \(message)" + (hint.map { ". \($0)" } ?? "") }
}
