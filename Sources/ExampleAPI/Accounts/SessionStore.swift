import AuditEvents
import AuditMiddleware
import Crypto
import Synchronization

/// The sessions of this process and their refresh tokens, of which only hashes are kept.
///
/// A refresh token is good once (RFC 9700 §4.14.2). Shown again, somebody else has it too: the session ends, and with it all its tokens.
final class SessionStore: TokenStatusChecking {
    struct Session: Sendable {
        var id: String
        var username: String
        var expires: Timestamp
        var ended = false
        fileprivate var refresh: SHA256Digest
        fileprivate var spent: [SHA256Digest] = []
    }

    enum Rotation: Sendable {
        case renewed(Session, refreshToken: String)
        /// A spent token came back; the session had been going on until now, or not.
        case reused(Session, ended: Bool)
        /// The token of a session that had ended.
        case revoked(Session)
        case unknown
    }

    private struct State {
        var sessions: [String: Session] = [:]
        var owners: [SHA256Digest: String] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Timestamp
    private let lifetimeSeconds: Int64
    private let capacity: Int
    /// How many spent refresh tokens of a session are recognised; an older one is unknown.
    private let spentLimit = 64

    init(lifetimeSeconds: Int64, capacity: Int = 10_000, now: @escaping @Sendable () -> Timestamp) {
        self.lifetimeSeconds = lifetimeSeconds
        self.capacity = capacity
        self.now = now
    }

    /// A new session and its first refresh token.
    func begin(username: String) -> (session: Session, refreshToken: String) {
        let token = Hexadecimal.encode(PBKDF2Passwords.randomBytes(32))
        let session = Session(
            id: Hexadecimal.encode(PBKDF2Passwords.randomBytes(16)), username: username,
            expires: now().advanced(bySeconds: lifetimeSeconds),
            refresh: Self.hash(token))
        let now = now()
        state.withLock { state in
            if state.sessions.count >= capacity { Self.makeRoom(&state, now) }
            state.sessions[session.id] = session
            state.owners[session.refresh] = session.id
        }
        return (session, token)
    }

    /// Exchanges a refresh token for the next one.
    func rotate(_ refreshToken: String) -> Rotation {
        let hash = Self.hash(refreshToken)
        let next = Hexadecimal.encode(PBKDF2Passwords.randomBytes(32))
        let now = now()
        return state.withLock { state in
            guard let id = state.owners[hash], var session = state.sessions[id], session.expires > now else { return .unknown }
            guard session.refresh == hash else {
                defer { state.sessions[id]?.ended = true }
                return .reused(session, ended: !session.ended)
            }
            guard !session.ended else { return .revoked(session) }
            session.spent.append(hash)
            if session.spent.count > spentLimit { state.owners[session.spent.removeFirst()] = nil }
            session.refresh = Self.hash(next)
            state.owners[session.refresh] = id
            state.sessions[id] = session
            return .renewed(session, refreshToken: next)
        }
    }

    /// Ends a session; its tokens are revoked from now on. False when it was not there or had ended.
    @discardableResult
    func end(_ id: String) -> Bool {
        state.withLock { state in
            guard let session = state.sessions[id], !session.ended else { return false }
            state.sessions[id]?.ended = true
            return true
        }
    }

    var liveCount: Int {
        let now = now()
        return state.withLock { $0.sessions.values.count { !$0.ended && $0.expires > now } }
    }

    /// A token whose session ended, or is not known here, is not accepted.
    func rejection(of token: VerifiedToken) async throws -> TokenRejection.Reason? {
        guard let id = token.claims["sid"]?.string, let session = state.withLock({ $0.sessions[id] }), !session.ended else {
            return .revoked
        }
        return nil
    }

    private static func makeRoom(_ state: inout State, _ now: Timestamp) {
        var leaving = state.sessions.values.filter { $0.expires <= now }.map(\.id)
        if leaving.isEmpty, let first = state.sessions.values.min(by: { $0.expires < $1.expires }) { leaving = [first.id] }
        for id in leaving {
            guard let session = state.sessions.removeValue(forKey: id) else { continue }
            for hash in session.spent + [session.refresh] { state.owners[hash] = nil }
        }
    }

    private static func hash(_ token: String) -> SHA256Digest { SHA256.hash(data: Array(token.utf8)) }
}
