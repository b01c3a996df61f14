/// Why a report cannot be made, and what to do about it.
public struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    public var hint: String?
    public init(_ message: String, hint: String? = nil) { (self.message, self.hint) = (message, hint) }
    public var description: String { message }
}
