public import AuditEvents
import Synchronization

/// Accounts and API keys of this process alone; for tests.
public final class MemoryAccountStore: AccountStoring, APIKeyStoring {
    private struct State {
        /// By the bytes of their id: `String` equality would fold NFC and NFD together.
        var accounts: [[UInt8]: StoredAccount] = [:]
        var keys: [[UInt8]: StoredAPIKey] = [:]
    }

    private let state = Mutex(State())
    private let reads = Mutex(0)

    public init() {}

    /// How often a key or an account was asked for.
    package var readCount: Int { reads.withLock { $0 } }

    public func create(_ account: StoredAccount) async throws -> Bool {
        state.withLock { state in
            guard state.accounts[Array(account.id.utf8)] == nil, Self.named(account.username, state) == nil else { return false }
            state.accounts[Array(account.id.utf8)] = account
            return true
        }
    }

    public func account(named username: String) async throws -> StoredAccount? {
        reads.withLock { $0 += 1 }
        return state.withLock { Self.named(username, $0) }
    }

    public func account(id: String) async throws -> StoredAccount? {
        reads.withLock { $0 += 1 }
        return state.withLock { $0.accounts[Array(id.utf8)] }
    }

    public func accounts(after username: String?, limit: Int) async throws -> [StoredAccount] {
        state.withLock { state in
            let sorted = state.accounts.values.sorted { $0.username.utf8.lexicographicallyPrecedes($1.username.utf8) }
            return Array(
                sorted.drop { account in username.map { !$0.utf8.lexicographicallyPrecedes(account.username.utf8) } ?? false }
                    .prefix(max(0, limit)))
        }
    }

    public func setPasswordHash(_ hash: String, of id: String, replacing former: String?, at time: Timestamp?) async throws -> Bool {
        change(id) { account in
            guard former.map({ $0 == account.passwordHash }) ?? true else { return false }
            account.passwordHash = hash
            if let time { account.passwordChanged = time }
            return true
        }
    }

    public func setRoles(_ roles: [String], of id: String) async throws -> Bool {
        change(id) { account in
            account.roles = roles
            return true
        }
    }

    public func setDisabled(_ since: Timestamp?, of id: String) async throws -> Bool {
        change(id) { account in
            account.disabled = since
            return true
        }
    }

    public func setSecondFactor(_ factor: StoredSecondFactor?, of id: String) async throws -> Bool {
        change(id) { account in
            account.secondFactor = factor
            return true
        }
    }

    public func useCode(counter: Int64, of id: String) async throws -> Bool {
        change(id) { account in
            guard let last = account.secondFactor?.lastCounter, last < counter else { return false }
            account.secondFactor?.lastCounter = counter
            return true
        }
    }

    public func useRecoveryCode(_ hash: [UInt8], of id: String) async throws -> Bool {
        change(id) { account in
            guard let place = account.secondFactor?.recoveryCodes.firstIndex(of: hash) else { return false }
            account.secondFactor?.recoveryCodes.remove(at: place)
            return true
        }
    }

    public func delete(_ id: String) async throws -> Bool {
        state.withLock { state in
            for (place, key) in state.keys where key.owner.utf8.elementsEqual(id.utf8) { state.keys[place] = nil }
            return state.accounts.removeValue(forKey: Array(id.utf8)) != nil
        }
    }

    private func change(_ id: String, _ change: (inout StoredAccount) -> Bool) -> Bool {
        state.withLock { state in
            guard var account = state.accounts[Array(id.utf8)], change(&account) else { return false }
            state.accounts[Array(id.utf8)] = account
            return true
        }
    }

    private static func named(_ username: String, _ state: State) -> StoredAccount? {
        state.accounts.values.first { $0.username.utf8.elementsEqual(username.utf8) }
    }

    // MARK: API keys

    public func insert(_ key: StoredAPIKey, limit: Int, at time: Timestamp, forgetting: Timestamp) async throws -> Bool {
        state.withLock { state in
            for (place, key) in state.keys where min(key.expires ?? .maximum, key.revoked ?? .maximum) < forgetting {
                state.keys[place] = nil
            }
            let live = state.keys.values.count {
                $0.owner.utf8.elementsEqual(key.owner.utf8) && $0.revoked == nil && $0.expires.map { $0 > time } ?? true
            }
            guard live < limit, state.keys[Array(key.id.utf8)] == nil else { return false }
            var key = key
            key.account = nil
            state.keys[Array(key.id.utf8)] = key
            return true
        }
    }

    public func key(_ id: String) async throws -> StoredAPIKey? {
        reads.withLock { $0 += 1 }
        return state.withLock { state in
            guard var key = state.keys[Array(id.utf8)] else { return nil }
            if let owner = state.accounts[Array(key.owner.utf8)] {
                key.account = StoredAPIKey.Owner(username: owner.username, roles: owner.roles, isDisabled: owner.disabled != nil)
            }
            return key
        }
    }

    public func keys(of owner: String) async throws -> [StoredAPIKey] {
        state.withLock { state in
            state.keys.values.filter { $0.owner.utf8.elementsEqual(owner.utf8) }
                .sorted { ($0.created, $0.id) > ($1.created, $1.id) }
        }
    }

    public func revoke(_ id: String, of owner: String, at time: Timestamp) async throws -> Bool {
        state.withLock { state in
            guard let key = state.keys[Array(id.utf8)], key.owner.utf8.elementsEqual(owner.utf8), key.revoked == nil else { return false }
            state.keys[Array(id.utf8)]?.revoked = time
            return true
        }
    }

    public func touch(_ id: String, at time: Timestamp) async throws {
        state.withLock { state in
            guard let key = state.keys[Array(id.utf8)], key.lastUsed.map({ $0.advanced(bySeconds: 60) <= time }) ?? true else { return }
            state.keys[Array(id.utf8)]?.lastUsed = time
        }
    }
}
