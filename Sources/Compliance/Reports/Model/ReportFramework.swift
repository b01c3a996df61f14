/// The frameworks whose controls the sections point at.
public enum ReportFramework: String, Sendable, Hashable, CaseIterable {
    case pciDSS = "pci-dss"
    case soc2
    case hipaa
    case iso27001
    case nist80053 = "nist-800-53"
    case gdpr

    /// Its name and edition.
    public var title: String {
        switch self {
        case .pciDSS: "PCI DSS 4.0.1"
        case .soc2: "SOC 2 Trust Services Criteria"
        case .hipaa: "HIPAA Security Rule"
        case .iso27001: "ISO/IEC 27001:2022"
        case .nist80053: "NIST SP 800-53 Rev. 5"
        case .gdpr: "GDPR"
        }
    }
}
