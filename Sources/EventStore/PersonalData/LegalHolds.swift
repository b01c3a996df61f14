public import AuditEvents
public import PostgreSQL

/// Setting, releasing and listing legal holds; each act leaves an event behind, in which a subject is a fingerprint.
public struct LegalHolds: Sendable {
    private let pool: PostgresPool

    /// - Parameter pool: connections of the role `cardea_admin`.
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// The holds, the ones in force first.
    public func all() async throws -> [LegalHold] {
        try await pool.query(
            """
            select name, reason, subject, subject_fingerprint, tenant, since, until, set_by, set_at, released_by, released_at, release_reason
            from audit.hold order by released_at is not null, set_at, name
            """
        ).map(LegalHold.init)
    }

    /// - Throws: `StoreError` with `.usage` for a name that was used before, or a tenant that is not there.
    public func set(_ hold: LegalHold, by person: String) async throws {
        try OwnAct.check(hold.name, "the name of a hold", isName: true)
        try OwnAct.check(hold.reason, "a reason")
        try OwnAct.check(person, "the name of who does this", isName: true)
        if let subject = hold.subject { try OwnAct.check(subject, "the subject", isName: true) }
        do {
            try await pool.withTransaction { connection in
                if let tenant = hold.tenant {
                    let known = try await connection.query("select 1 from audit.tenant where tenant = \(tenant)")
                    guard !known.isEmpty else { throw StoreError(.usage, "there is no tenant '\(tenant)'") }
                }
                let now = try await OwnAct.clock(connection)
                var reason = hold.reason
                var details: JSONObject = ["hold": .string(hold.name)]
                if let subject = hold.subject {
                    let fingerprint = try await connection.query("select audit.fingerprint(\(subject))", as: String.self)[0]
                    details["subject"] = .string(fingerprint)
                    reason = reason.replacing(subject, with: fingerprint)
                }
                details["reason"] = .string(reason)
                if let since = hold.since { details["since"] = .string(since.description) }
                if let until = hold.until { details["until"] = .string(until.description) }
                let act = try OwnAct(.holdSet, tenant: hold.tenant ?? "default", by: person, target: "hold/\(hold.name)", details: details)
                    .encoded(at: now)
                try await connection.execute(
                    """
                    select audit.set_hold(
                        \(hold.name), \(act.detail("reason") ?? reason), \(hold.subject), \(hold.tenant),
                        \(hold.since.map { PostgresTimestamp($0) }), \(hold.until.map { PostgresTimestamp($0) }), \(act.actor ?? person),
                        \(act.actArguments))
                    """)
            }
        } catch let error as PostgresError where error.sqlState == "23505" {
            throw StoreError(
                .usage, "there is or was a hold '\(hold.name)'", hint: "A name is used once, so that it means one thing for ever.")
        }
    }

    /// - Throws: `StoreError` with `.usage` where no hold of this name is in force.
    public func release(_ name: String, reason: String, by person: String) async throws {
        try OwnAct.check(reason, "a reason")
        try OwnAct.check(person, "the name of who does this", isName: true)
        try await pool.withTransaction { connection in
            let found = try await connection.query("select tenant, subject from audit.hold where name = \(name) and released_at is null")
                .first
            guard let found else {
                throw StoreError(.usage, "no hold '\(name)' is in force", hint: "`cardea hold list` shows them.")
            }
            var text = reason
            if let subject = try found.decode("subject", as: String?.self) {
                text = text.replacing(subject, with: try await connection.query("select audit.fingerprint(\(subject))", as: String.self)[0])
            }
            let act = try OwnAct(
                .holdReleased, tenant: try found.decode("tenant", as: String?.self) ?? "default", by: person, target: "hold/\(name)",
                details: ["hold": .string(name), "reason": .string(text)]
            ).encoded(at: try await OwnAct.clock(connection))
            let isDone = try await connection.query(
                "select audit.release_hold(\(name), \(act.detail("reason") ?? text), \(act.actor ?? person), \(act.actArguments)) as done"
            )[0]
            .decode("done", as: Bool.self)
            guard isDone else { throw StoreError(.usage, "somebody else has just released '\(name)'") }
        }
    }
}
