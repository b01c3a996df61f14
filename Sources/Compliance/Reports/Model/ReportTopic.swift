/// The thirteen sections, and the controls that each speaks to: ids alone.
public enum ReportTopic: Int, Sendable, Hashable, CaseIterable {
    case authentication = 1
    case failures, privileged, lifeCycle, sensitive, recordAccess, continuity, integrity, review, retention, clocks, completeness, custody

    public var id: String { "S\(rawValue)" }

    public var title: String {
        switch self {
        case .authentication: "Authentication by method and factor"
        case .failures: "Failed and denied, and the longest streak of each account"
        case .privileged: "Privileged acts"
        case .lifeCycle: "Life cycle of accounts, roles and credentials"
        case .sensitive: "Access to sensitive data"
        case .recordAccess: "Access to the record"
        case .continuity: "Continuity of the record, and gaps"
        case .integrity: "Integrity of the record"
        case .review: "Review of alerts, and times to respond"
        case .retention: "Retention"
        case .clocks: "Clocks: claimed against received"
        case .completeness: "Completeness of fields"
        case .custody: "Custody of exports"
        }
    }

    /// The framework's ids for what this section speaks to; none where it has none.
    public func controls(_ framework: ReportFramework) -> [String] {
        let row = ReportTopic.table[rawValue - 1]
        return switch framework {
        case .pciDSS: row.pci
        case .soc2: row.soc2
        case .hipaa: row.hipaa
        case .iso27001: row.iso
        case .nist80053: row.nist
        case .gdpr: row.gdpr
        }
    }

    private static let table: [(pci: [String], soc2: [String], hipaa: [String], iso: [String], nist: [String], gdpr: [String])] = [
        (["10.2.1.4"], ["CC6.1"], ["164.312(d)"], ["A.8.5"], ["AC-7", "IA-5"], ["Art. 32"]),
        (["10.2.1.4"], ["CC6.1", "CC6.6"], ["164.308(a)(5)(ii)(C)"], ["A.8.5", "A.8.16"], ["AC-7"], ["Art. 32", "Art. 33"]),
        (["10.2.1.2", "10.2.1.7"], ["CC6.3"], ["164.312(b)"], ["A.8.2"], ["AC-2", "AU-12"], ["Art. 25", "Art. 32"]),
        (
            ["10.2.1.5"], ["CC6.2", "CC6.3"], ["164.308(a)(5)(ii)(C)"], ["A.5.15", "A.5.16", "A.5.17", "A.5.18"], ["AC-2", "IA-5"],
            ["Art. 25", "Art. 32"]
        ),
        (["10.2.1.1"], ["CC6.1"], ["164.312(b)"], ["A.5.15"], ["AU-2"], ["Art. 5(1)(f)", "Art. 32"]),
        (["10.2.1.3", "10.3.1"], ["CC6.1"], ["164.312(b)"], ["A.8.15"], ["AU-9"], ["Art. 5(2)", "Art. 32"]),
        (["10.2.1.6", "10.7.2", "10.7.3"], ["CC7.1"], ["164.312(b)"], ["A.8.15"], ["AU-5", "AU-12"], ["Art. 32", "Art. 33"]),
        (["10.3.2", "10.3.3", "10.3.4"], ["CC7.2"], ["164.312(b)"], ["A.8.15"], ["AU-9(3)", "AU-10"], ["Art. 5(1)(f)", "Art. 5(2)"]),
        (
            ["10.4.1", "10.4.1.1", "10.4.2.1", "10.4.3"], ["CC7.2", "CC7.3", "CC7.4"], ["164.308(a)(1)(ii)(D)"], ["A.8.16"], ["AU-6"],
            ["Art. 32", "Art. 33"]
        ),
        (["10.5.1"], [], [], ["A.8.15"], ["AU-11"], ["Art. 5(2)", "Art. 25"]),
        (["10.6"], [], [], ["A.8.17"], ["AU-8"], ["Art. 5(2)"]),
        (["10.2.2"], [], [], ["A.8.15"], ["AU-3"], ["Art. 30"]),
        (["10.3.1"], [], [], [], ["AU-7"], ["Art. 5(2)", "Art. 30"]),
    ]
}
