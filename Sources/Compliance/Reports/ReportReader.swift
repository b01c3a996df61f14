public import PostgreSQL

/// Makes reports from the record.
public enum ReportReader {
    private static let readers: [any ReportSectionReader.Type] = [
        AuthenticationSection.self, FailuresSection.self, PrivilegedSection.self, LifeCycleSection.self, SensitiveSection.self,
        RecordAccessSection.self, ContinuitySection.self, IntegritySection.self, ReviewSection.self, RetentionSection.self,
        ClocksSection.self, CompletenessSection.self, CustodySection.self,
    ]

    /// The report of a period, under a role that may read (`cardea_reader`). All sections see one state of the record; PostgreSQL counts, and
    /// what is kept here is bounded.
    /// - Throws: `ReportError` for a tenant that is not on the record.
    public static func read(_ framework: ReportFramework, _ period: ReportPeriod, _ pool: PostgresPool) async throws -> Report {
        try await pool.withTransaction(.init(isolation: .repeatableRead, readOnly: true)) { connection in
            for tenant in period.tenants
            where try await connection.query("select 1 from audit.tenant where tenant = \(tenant)").isEmpty {
                throw ReportError(
                    "there is no tenant '\(tenant)' on the record", hint: "`cardea query -o csv` shows the tenants of events.")
            }
            let scope = ReportScope(period: period, connection: connection)
            var sections: [ReportSection] = []
            for reader in readers { sections.append(try await reader.read(scope)) }
            return Report(framework: framework, period: period, sections: sections)
        }
    }
}
