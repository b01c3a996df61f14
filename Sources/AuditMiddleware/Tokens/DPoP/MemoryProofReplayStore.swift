public import AuditEvents
import Synchronization

/// The proofs that one instance has seen, within a bound.
///
/// Beyond it the oldest second's proofs are forgotten, and whatever is as old is refused from then on: a flood costs retries, never a replay.
public final class MemoryProofReplayStore: ProofReplayStoring {
    struct State: Sendable {
        var known: Set<[UInt8]> = []
        /// By the second in which they expire.
        var seconds: [Int64: [[UInt8]]] = [:]
        /// Proofs that expire in this second or before are refused: some of them were forgotten.
        var floor = Int64.min
        /// All that expire before this second are gone.
        var swept: Int64?

        mutating func claim(_ key: [UInt8], second: Int64, now: Int64, capacity: Int) -> Bool {
            sweep(before: now)
            guard second > floor, second >= now, !known.contains(key) else { return false }
            while known.count >= capacity, let oldest = seconds.keys.min() {
                drop(oldest)
                floor = max(floor, oldest)
            }
            guard second > floor else { return false }
            seconds[second, default: []].append(key)
            known.insert(key)
            return true
        }

        private mutating func sweep(before now: Int64) {
            guard swept.map({ $0 < now }) ?? true else { return }
            swept = now
            for second in seconds.keys where second < now { drop(second) }
        }

        private mutating func drop(_ second: Int64) {
            for key in seconds.removeValue(forKey: second) ?? [] { known.remove(key) }
        }
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: the most proofs that are remembered.
    public init(capacity: Int = 100_000) { self.capacity = max(capacity, 1) }

    public func claim(_ key: [UInt8], expires: Timestamp, at time: Timestamp) async throws -> Bool {
        state.withLock {
            $0.claim(key, second: expires.microseconds / 1_000_000, now: time.microseconds / 1_000_000, capacity: capacity)
        }
    }

    var count: Int { state.withLock { $0.known.count } }
}
