/// What a store refuses, with the next step.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        let name: String
        public static let schemaMissing = Code(name: "schema_missing")
        public static let schemaOlder = Code(name: "schema_older")
        public static let schemaNewer = Code(name: "schema_newer")
        public static let migrationChanged = Code(name: "migration_changed")
        public static let privileges = Code(name: "privileges")
        public static let spool = Code(name: "spool")
        public static let record = Code(name: "record")
        /// A file or folder that cannot be read or written.
        public static let file = Code(name: "file")
        /// A worker's lease was taken over: its transaction was rolled back.
        public static let fenced = Code(name: "fenced")
        /// A legal hold is in the way.
        public static let held = Code(name: "held")
        /// What was asked for makes no sense, or there is no such thing.
        public static let usage = Code(name: "usage")
    }

    public var code: Code
    public var message: String
    public var hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) { (self.code, self.message, self.hint) = (code, message, hint) }

    public var description: String { hint.map { "\(message). \($0)" } ?? message }

    static func newer(database: Int) -> StoreError {
        StoreError(
            .schemaNewer, "the database's schema is version \(database), this cardea knows \(SchemaVersion.current) at most",
            hint: "Use the newer cardea.")
    }
}
