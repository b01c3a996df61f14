public import AuditEvents
import PostgreSQL

/// How much of the record is about a subject, in one tenant.
public struct SubjectPresence: Sendable, Hashable {
    public var tenant: String
    /// Events whose actor it is.
    public var events: Int64
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp

    /// Of every tenant that has events of `subject`, or of `tenant` alone.
    static func find(_ subject: String, tenant: String?, _ connection: PostgresConnection) async throws -> [SubjectPresence] {
        try await connection.query(
            """
            select e.tenant, count(*) as events, min(e.time) as first, max(e.time) as last
            from audit.event e
            where \(condition(subject, tenant: tenant))
            group by e.tenant order by e.tenant
            """
        ).map { row in
            func time(_ column: String) throws -> Timestamp {
                Timestamp(microseconds: try row.decode(column, as: PostgresTimestamp.self).microseconds)
            }
            return SubjectPresence(
                tenant: try row.decode("tenant", as: String.self), events: try row.decode("events", as: Int64.self),
                firstSeen: try time("first"), lastSeen: try time("last"))
        }
    }

    /// Which events `e` are a subject's: its id or its name, exactly.
    static func condition(_ subject: String, tenant: String?) -> SQL {
        """
        (e.body #>> '{actor,id}' = \(subject) or e.body #>> '{actor,name}' = \(subject)) \
        and (\(tenant)::text is null or e.tenant = \(tenant))
        """
    }
}
