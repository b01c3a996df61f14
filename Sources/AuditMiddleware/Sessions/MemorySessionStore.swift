public import AuditEvents
import Synchronization

/// Sessions in this process alone: for tests, and for a single instance whose restart may sign everybody out.
public final class MemorySessionStore: SessionStoring {
    fileprivate struct State {
        var sessions: [SecretHash: StoredSession] = [:]
        /// By the bytes of the account, for equal strings may differ in them.
        var accounts: [[UInt8]: Set<SecretHash>] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: how many sessions are kept in all, ended ones included; beyond it those go that would go first.
    public init(capacity: Int = 100_000) { self.capacity = max(1, capacity) }

    /// How many are kept, live or not.
    public var count: Int { state.withLock { $0.sessions.count } }

    public func insert(_ session: StoredSession, limit: Int) async throws -> [StoredSession] {
        state.withLock { state in
            if state.sessions.count >= capacity { state.makeRoom(below: capacity, at: session.created) }
            let key = Array(session.principal.id.utf8)
            var displaced: [StoredSession] = []
            for other in state.live(key, at: session.created).dropFirst(max(limit - 1, 0)) {
                displaced.append(state.end(other, "session_limit", session.created, other.keepUntil))
            }
            state.sessions[session.id] = session
            state.accounts[key, default: []].insert(session.id)
            return displaced
        }
    }

    public func session(_ id: SecretHash) async throws -> StoredSession? { state.withLock { $0.sessions[id] } }

    public func touch(_ id: SecretHash, at time: Timestamp) async throws {
        state.withLock { state in
            guard let session = state.sessions[id], session.state(at: time) == .live, session.seen < time else { return }
            state.sessions[id]?.seen = time
        }
    }

    public func renew(_ handle: String, id: SecretHash, principal: StoredPrincipal, at time: Timestamp) async throws -> StoredSession? {
        state.withLock { state in
            let key = Array(principal.id.utf8)
            guard var session = state.live(key, at: time).first(where: { $0.handle == handle }) else { return nil }
            state.remove(session.id)
            (session.id, session.principal, session.seen) = (id, principal, max(session.seen, time))
            state.sessions[id] = session
            state.accounts[key, default: []].insert(id)
            return session
        }
    }

    public func end(_ id: SecretHash, reason: String, at time: Timestamp, keepUntil: Timestamp) async throws -> StoredSession? {
        state.withLock { state in
            guard let session = state.sessions[id], session.ended == nil else { return nil }
            return state.end(session, reason, time, keepUntil)
        }
    }

    public func end(
        _ selection: SessionSelection, of account: String, reason: String, at time: Timestamp, keepUntil: Timestamp
    ) async throws -> [StoredSession] {
        state.withLock { state in
            state.live(Array(account.utf8), at: time).filter { selection.contains($0.handle) }.map {
                state.end($0, reason, time, keepUntil)
            }
        }
    }

    public func sessions(of account: String, at time: Timestamp) async throws -> [StoredSession] {
        state.withLock { $0.live(Array(account.utf8), at: time) }
    }
}

extension MemorySessionStore.State {
    /// The one used last first.
    fileprivate func live(_ account: [UInt8], at time: Timestamp) -> [StoredSession] {
        (accounts[account] ?? []).compactMap { sessions[$0] }.filter { $0.state(at: time) == .live }
            .sorted { $0.seen != $1.seen ? $0.seen > $1.seen : $0.handle < $1.handle }
    }

    fileprivate mutating func end(_ session: StoredSession, _ reason: String, _ time: Timestamp, _ keepUntil: Timestamp) -> StoredSession {
        var session = session
        (session.ended, session.endReason, session.keepUntil) = (time, reason, keepUntil)
        sessions[session.id] = session
        return session
    }

    fileprivate mutating func remove(_ id: SecretHash) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        let key = Array(session.principal.id.utf8)
        accounts[key]?.remove(id)
        if accounts[key]?.isEmpty == true { accounts[key] = nil }
    }

    /// A tenth goes at once, so that a full store does not sort itself with every sign-in.
    fileprivate mutating func makeRoom(below capacity: Int, at time: Timestamp) {
        for session in sessions.values where session.keepUntil < time { remove(session.id) }
        guard sessions.count >= capacity else { return }
        let order = sessions.values.sorted { ($0.ended == nil ? 1 : 0, $0.seen) < ($1.ended == nil ? 1 : 0, $1.seen) }
        for session in order.prefix(max(1, capacity / 10)) { remove(session.id) }
    }
}

extension SessionSelection {
    func contains(_ id: String) -> Bool {
        switch self {
        case .all: true
        case .one(let one): one == id
        case .allBut(let other): other != id
        }
    }
}
