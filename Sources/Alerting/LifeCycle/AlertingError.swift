/// What alerting refuses, with the next step.
public struct AlertingError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        let name: String
        /// A matcher, silence or inhibition that says nothing sensible.
        public static let matcher = Code(name: "matcher")
        /// The alert's state does not allow the change.
        public static let transition = Code(name: "transition")
        /// Somebody else changed the alert in between.
        public static let conflict = Code(name: "conflict")
        /// There is no such alert or silence.
        public static let unknown = Code(name: "unknown")
        /// A name, reason or note that is missing or too long.
        public static let text = Code(name: "text")
    }

    public var code: Code
    public var message: String
    public var hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) { (self.code, self.message, self.hint) = (code, message, hint) }

    public var description: String { hint.map { "\(message). \($0)" } ?? message }
}
