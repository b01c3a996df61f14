/// Which tenant's record an erasure is about: a pure decision. The same name may be another person in another tenant, so where several have it
/// somebody must say which is meant.
struct ErasurePlan: Equatable {
    enum Decision: Equatable {
        case erase(tenant: String)
        case nothing
        case ambiguous(tenants: [String])
    }

    let decision: Decision

    /// - Parameters:
    ///   - asked: the tenant that was named.
    ///   - running: tenants in which an erasure of the subject was begun and not ended.
    ///   - present: tenants with events of the subject.
    ///   - known: all tenants, or at least two of them.
    init(asked: String?, running: [String], present: [String], known: [String]) {
        if let asked {
            decision = .erase(tenant: asked)
        } else {
            let meant = Set(running).union(present).sorted()
            switch meant.count {
            // Notes may name somebody who did nothing.
            case 0: decision = known.count == 1 ? .erase(tenant: known[0]) : .nothing
            case 1: decision = .erase(tenant: meant[0])
            default: decision = .ambiguous(tenants: meant)
            }
        }
    }
}
