public import AuditEvents
public import PostgreSQL

/// Failed sign-ins in PostgreSQL, `audit_access.lockout`: one function call, and so one round trip, for the beginning of an attempt and one for its
/// end. Correct across instances, whose clocks are taken to agree.
public struct PostgresLockoutStore: LockoutStoring {
    private let pool: PostgresPool

    /// - Parameter pool: under a role that may use the schema `audit_access` (`cardea_access`).
    public init(_ pool: PostgresPool) { self.pool = pool }

    public func begin(_ subjects: [LockoutSubject], policy: LockoutPolicy, at time: Timestamp) async throws -> LockoutDecision {
        guard !subjects.isEmpty else { return .allowed }
        let rows = try await pool.query(
            """
            select place, state, wait from audit_access.begin_sign_in(
                \(subjects.map { PostgresBytes($0.key) }), \(Self.tiers(subjects))::jsonb, \(Int64(policy.forgetSeconds) * 1_000_000),
                \(Int64(policy.patienceSeconds) * 1_000_000), \(policy.extendsWhileLocked), \(time.microseconds))
            order by place
            """, as: (Int32, Int16, Int64).self)
        guard rows.count == subjects.count else { throw StoreError(.record, "the sign-in was not answered") }
        let locked = zip(subjects, rows).filter { $0.1.1 == 1 }
        if !locked.isEmpty { return .locked(locked.map(\.0.scope), microseconds: locked.map(\.1.2).max() ?? 0) }
        return rows.contains { $0.1 == 2 } ? .busy : .allowed
    }

    public func end(
        _ subjects: [LockoutSubject], _ verdict: LockoutVerdict, policy: LockoutPolicy, at time: Timestamp
    ) async throws -> [LockoutChange] {
        guard !subjects.isEmpty else { return [] }
        let rows = try await pool.query(
            """
            select place, failures, locked from audit_access.end_sign_in(
                \(subjects.map { PostgresBytes($0.key) }), \(subjects.map(\.scope.rawValue)), \(Self.tiers(subjects))::jsonb,
                \(Int64(policy.forgetSeconds) * 1_000_000), \(verdict.rawValue), \(time.microseconds))
            order by place
            """, as: (Int32, Int64, Int64?).self)
        guard rows.count == subjects.count else { throw StoreError(.record, "the end of the sign-in was not answered") }
        return zip(subjects, rows).map { LockoutChange(scope: $0.scope, failures: Int($1.1), lockedMicroseconds: $1.2) }
    }

    private static func tiers(_ subjects: [LockoutSubject]) -> String {
        let lists = subjects.map { subject in
            "[" + subject.tiers.map { "[\($0.failures),\(Int64($0.seconds) * 1_000_000)]" }.joined(separator: ",") + "]"
        }
        return "[" + lists.joined(separator: ",") + "]"
    }
}
