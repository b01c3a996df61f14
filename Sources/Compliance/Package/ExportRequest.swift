public import AuditEvents
import EventStore
public import PostgreSQL

/// What is to be exported, and how much of it is shown.
public struct ExportRequest: Sendable {
    public enum Disclosure: Sendable, Hashable {
        /// Bodies with their salts: provable word for word.
        case all
        /// Headers alone.
        case none
        /// Of bodies these members alone, by their path (`actor.id`): told, not provable, for the hash covers the whole body.
        case members([String])

        var text: String {
            switch self {
            case .all: "all"
            case .none: "none"
            case .members(let names): names.joined(separator: ",")
            }
        }
    }

    /// The files that a package has beside its proof.
    public enum Form: String, Sendable, Hashable, CaseIterable { case csv, ocsf, html, oscal }

    /// The query's canonical text.
    public var query: String
    /// What it asks for, over `audit.event e`.
    public var condition: SQL
    /// Which event times it asks for: both ends included.
    public var since: Timestamp?
    public var until: Timestamp?
    public var disclosure: Disclosure = .all
    public var forms: Set<Form> = Set(Form.allCases)
    /// The newest checkpoint with at most so many leaves.
    public var atMost: Int64 = .max
    /// Checkpoints to which consistency is to be shown, beside the last before the period.
    public var held: [LogVerifier.Held] = []

    public init(query: String, condition: SQL, since: Timestamp?, until: Timestamp?) {
        (self.query, self.condition, self.since, self.until) = (query, condition, since, until)
    }

    /// How long before the period leaves begin to be shown: an event may be dated so far ahead of its sealing.
    static let lead: Int64 = 600
}
