public import AuditEvents
public import PostgreSQL

/// Erases a subject's personal data: bodies, salts and searched copies of its events, and whatever was made of them. Headers, hashes and proofs stay.
///
/// The work is done by `audit.erase`, step by step, each a transaction. One that was killed goes on when it is called for again.
public struct SubjectErasure: Sendable {
    private let pool: PostgresPool
    private let step: Int32

    /// - Parameters:
    ///   - pool: connections of the role `cardea_admin`.
    ///   - step: events that one transaction looks at.
    public init(_ pool: PostgresPool, step: Int = 5000) { (self.pool, self.step) = (pool, Int32(clamping: max(1, step))) }

    /// How far it is: the step's name, events looked at in it, events emptied so far.
    public struct Progress: Sendable, Hashable {
        public var state: String
        public var looked: Int64
        public var emptied: Int64
    }

    /// Where the subject is on the record, and which erasures of it were begun.
    public func presence(_ subject: String, tenant: String? = nil) async throws -> [SubjectPresence] {
        try await pool.withConnection { try await SubjectPresence.find(subject, tenant: tenant, $0) }
    }

    /// The tenant that an erasure of `subject` is about; nil where nothing is to be erased.
    ///
    /// - Throws: `StoreError` with `.usage` where several tenants have such a subject and none was named, or the named one is not there.
    public func tenant(of subject: String, asked: String?, present: [SubjectPresence]) async throws -> String? {
        try OwnAct.check(subject, "the subject", isName: true)
        return try await pool.withConnection { connection in
            let running = try await connection.query(
                "select tenant from audit.erasure where subject = audit.fingerprint(\(subject)) and state <> 'done'", as: String.self)
            let known = try await connection.query(
                "select tenant from audit.tenant where \(asked)::text is null or tenant = \(asked) order by tenant limit 2", as: String.self
            )
            if let asked, known.isEmpty { throw StoreError(.usage, "there is no tenant '\(asked)'") }
            switch ErasurePlan(asked: asked, running: running, present: present.map(\.tenant), known: known).decision {
            case .erase(let tenant): return tenant
            case .nothing: return nil
            case .ambiguous(let tenants):
                throw StoreError(
                    .usage, "it is in \(tenants.count) tenants: \(tenants.prefix(10).joined(separator: ", "))",
                    hint: "Say whose record is meant: --tenant NAME.")
            }
        }
    }

    /// What an erasure would do; nothing is changed.
    ///
    /// - Throws: `StoreError` with `.held` where a legal hold is on the subject.
    public func dryRun(_ subject: String, tenant: String, present: [SubjectPresence]) async throws -> ErasureReport {
        try await pool.withConnection { connection in
            let held = try await connection.query("select audit.holds_on(\(subject), \(tenant)) as hold", as: String.self)
            guard held.isEmpty else { throw SubjectErasure.refusal(held.joined(separator: ", ")) }
            return ErasureReport(
                id: nil, tenant: tenant,
                fingerprint: try await connection.query("select audit.fingerprint(\(subject))", as: String.self)[0],
                events: present.first { $0.tenant.utf8.elementsEqual(tenant.utf8) }?.events ?? 0)
        }
    }

    /// Erases, or goes on with what was begun.
    ///
    /// - Parameter progress: called after every step.
    /// - Throws: `StoreError` with `.held` under a legal hold; the record then says that it was refused.
    public func erase(
        _ subject: String, tenant: String, reason: String, by person: String, progress: (Progress) throws -> Void = { _ in }
    ) async throws -> ErasureReport {
        try OwnAct.check(subject, "the subject", isName: true)
        try OwnAct.check(person, "the name of who does this", isName: true)
        try OwnAct.check(reason, "a reason")
        do {
            let id = try await begin(subject, tenant, reason, person)
            var emptied: Int64 = 0
            while true {
                let row = try await pool.query("select state, looked, emptied from audit.erase(\(id), \(step))")[0]
                let state = try row.decode("state", as: String.self)
                emptied += try row.decode("emptied", as: Int64.self)
                if state == "ready" { break }
                try progress(Progress(state: state, looked: try row.decode("looked", as: Int64.self), emptied: emptied))
            }
            return try await finish(id, person)
        } catch let error as PostgresError where error.sqlState == "55006" {
            try await refuse(subject, tenant, reason, person, error.message)
            throw SubjectErasure.refusal(error.message.replacing("legal hold: ", with: ""))
        }
    }

    private func begin(_ subject: String, _ tenant: String, _ reason: String, _ person: String) async throws -> Int64 {
        // What looks like a secret does not become part of the reason.
        let reason = Redaction.redact(reason) ?? reason
        return try await pool.query("select audit.begin_erasure(\(subject), \(tenant), \(reason), \(person)) as id")[0].decode(
            "id", as: Int64.self)
    }

    private func finish(_ id: Int64, _ person: String) async throws -> ErasureReport {
        try await pool.withTransaction { connection in
            let row = try await connection.query(
                "select tenant, subject, reason, actor, events, own_events, cleared::text as cleared from audit.erasure where id = \(id)")[
                    0]
            var report = ErasureReport(
                id: id, tenant: try row.decode("tenant", as: String.self), fingerprint: try row.decode("subject", as: String.self),
                events: try row.decode("events", as: Int64.self))
            report.ownEvents = try row.decode("own_events", as: Int64.self)
            report.cleared = try JSONValue(parsing: row.decode("cleared", as: String.self).utf8).object ?? [:]
            var details = report.json
            details["reason"] = .string(try row.decode("reason", as: String.self))
            details["begun_by"] = .string(try row.decode("actor", as: String.self))
            let act = try OwnAct(
                .subjectErased, tenant: report.tenant, by: person, target: "erasure/\(id)", details: details
            ).encoded(at: try await OwnAct.clock(connection))
            try await connection.execute("select audit.finish_erasure(\(id), \(act.actArguments), \(act.actor ?? person))")
            return report
        }
    }

    private func refuse(_ subject: String, _ tenant: String, _ reason: String, _ person: String, _ cause: String) async throws {
        try await pool.withTransaction { connection in
            let fingerprint = try await connection.query("select audit.fingerprint(\(subject))", as: String.self)[0]
            let act = try OwnAct(
                .erasureRefused, tenant: tenant, outcome: .denied, reason: "legal_hold", by: person, target: "subject/\(fingerprint)",
                details: [
                    "subject": .string(fingerprint), "reason": .string(reason.replacing(subject, with: fingerprint)),
                    "cause": .string(cause),
                ]
            ).encoded(at: try await OwnAct.clock(connection))
            try await connection.execute("select audit.refuse_erasure(\(tenant), \(act.actArguments), \(act.actor ?? person))")
        }
    }

    private static func refusal(_ holds: String) -> StoreError {
        StoreError(
            .held, "a legal hold forbids it: \(holds)", hint: "`cardea hold list` says why; `cardea hold release NAME --reason …` ends one."
        )
    }
}
