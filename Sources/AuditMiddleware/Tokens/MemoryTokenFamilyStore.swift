public import AuditEvents
import Synchronization

/// Families of refresh tokens in this process alone: for tests, and for a single instance whose restart may sign everybody out.
public final class MemoryTokenFamilyStore: TokenFamilyStoring {
    private struct State {
        var families: [SecretHash: StoredTokenFamily] = [:]
        /// By the bytes of the account, for equal strings may differ in them.
        var accounts: [[UInt8]: Set<SecretHash>] = [:]

        /// The one refreshed last first.
        func live(_ account: [UInt8], at time: Timestamp) -> [StoredTokenFamily] {
            (accounts[account] ?? []).compactMap { families[$0] }.filter { $0.ended == nil && $0.expires > time }
                .sorted { $0.rotated != $1.rotated ? $0.rotated > $1.rotated : $0.id < $1.id }
        }

        mutating func end(_ family: StoredTokenFamily, _ reason: String, _ time: Timestamp) -> StoredTokenFamily {
            var family = family
            (family.ended, family.endReason) = (time, reason)
            family.generation += 1
            families[family.lineage] = family
            return family
        }

        mutating func remove(_ lineage: SecretHash) {
            guard let family = families.removeValue(forKey: lineage) else { return }
            let key = Array(family.principal.id.utf8)
            accounts[key]?.remove(lineage)
            if accounts[key]?.isEmpty == true { accounts[key] = nil }
        }

        /// A tenth goes at once, so that a full store does not sort itself with every sign-in.
        mutating func makeRoom(below capacity: Int, at time: Timestamp) {
            for family in families.values where family.deadline < time { remove(family.lineage) }
            guard families.count >= capacity else { return }
            let order = families.values.sorted { ($0.ended == nil ? 1 : 0, $0.rotated) < ($1.ended == nil ? 1 : 0, $1.rotated) }
            for family in order.prefix(max(1, capacity / 10)) { remove(family.lineage) }
        }
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: how many families are kept in all, ended ones included; beyond it those go that would go first.
    public init(capacity: Int = 100_000) { self.capacity = max(1, capacity) }

    /// How many are kept, live or not.
    public var count: Int { state.withLock { $0.families.count } }

    public func insert(_ family: StoredTokenFamily, limit: Int) async throws -> [StoredTokenFamily] {
        state.withLock { state in
            if state.families.count >= capacity { state.makeRoom(below: capacity, at: family.created) }
            let key = Array(family.principal.id.utf8)
            let displaced = state.live(key, at: family.created).dropFirst(max(limit - 1, 0)).map {
                state.end($0, "session_limit", family.created)
            }
            state.families[family.lineage] = family
            state.accounts[key, default: []].insert(family.lineage)
            return displaced
        }
    }

    public func family(lineage: SecretHash) async throws -> StoredTokenFamily? { state.withLock { $0.families[lineage] } }

    public func advance(_ family: StoredTokenFamily) async throws -> Bool {
        state.withLock { state in
            guard let known = state.families[family.lineage], known.ended == nil, known.generation == family.generation - 1 else {
                return false
            }
            state.families[family.lineage] = family
            return true
        }
    }

    public func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp
    ) async throws -> [StoredTokenFamily] {
        state.withLock { state in
            state.live(Array(account.utf8), at: time).filter { selection.contains($0.id) }.map { state.end($0, reason, time) }
        }
    }

    public func families(of account: String, at time: Timestamp) async throws -> [StoredTokenFamily] {
        state.withLock { $0.live(Array(account.utf8), at: time) }
    }
}
