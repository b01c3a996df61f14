public import AuditEvents
import PostgreSQL

/// What must be kept whatever retention and subjects ask for.
public struct LegalHold: Sendable, Hashable {
    public var name: String
    public var reason: String
    /// The actor whose data it is about; nil: everybody's.
    public var subject: String?
    /// Nil: all tenants.
    public var tenant: String?
    /// The span of event time whose partitions stay; nil: without bound.
    public var since: Timestamp?
    public var until: Timestamp?
    public var setBy = ""
    public var setAt: Timestamp?
    public var releasedBy: String?
    public var releasedAt: Timestamp?
    public var releaseReason: String?

    public init(
        name: String, reason: String, subject: String? = nil, tenant: String? = nil, since: Timestamp? = nil, until: Timestamp? = nil
    ) {
        (self.name, self.reason, self.subject, self.tenant, self.since, self.until) = (name, reason, subject, tenant, since, until)
    }

    public var json: JSONObject {
        func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
        return [
            "name": .string(name), "reason": .string(reason), "subject": text(subject), "tenant": text(tenant),
            "since": text(since?.description), "until": text(until?.description), "set_by": .string(setBy),
            "set_at": text(setAt?.description),
            "released_by": text(releasedBy), "released_at": text(releasedAt?.description), "release_reason": text(releaseReason),
        ]
    }

    init(_ row: PostgresRow) throws {
        func time(_ column: String) throws -> Timestamp? {
            try row.decode(column, as: PostgresTimestamp?.self).map { Timestamp(microseconds: $0.microseconds) }
        }
        self.init(
            name: try row.decode("name", as: String.self), reason: try row.decode("reason", as: String.self),
            // Whose hold it was and who was erased since is known by fingerprint alone.
            subject: try row.decode("subject", as: String?.self) ?? row.decode("subject_fingerprint", as: String?.self),
            tenant: try row.decode("tenant", as: String?.self), since: try time("since"), until: try time("until"))
        setBy = try row.decode("set_by", as: String.self)
        setAt = try time("set_at")
        releasedBy = try row.decode("released_by", as: String?.self)
        releasedAt = try time("released_at")
        releaseReason = try row.decode("release_reason", as: String?.self)
    }
}
