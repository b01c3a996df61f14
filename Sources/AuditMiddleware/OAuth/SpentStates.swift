import AuditEvents
import Synchronization

/// The states whose callback has come, so that none comes twice to this instance; what is beyond the bound, and another instance, is stopped by the
/// provider, for which a code is good once.
final class SpentStates: Sendable {
    private let spent = Mutex<[SecretHash: Timestamp]>([:])
    private let capacity: Int

    init(capacity: Int = 10_000) { self.capacity = capacity }

    /// False where the state was spent before.
    func spend(_ state: String, until expires: Timestamp, at now: Timestamp) -> Bool {
        let hash = SecretHash(of: state)
        return spent.withLock { spent in
            if spent[hash] != nil { return false }
            if spent.count >= capacity { spent = spent.filter { $0.value > now } }
            if spent.count >= capacity { spent.removeAll(keepingCapacity: true) }
            spent[hash] = expires
            return true
        }
    }
}
