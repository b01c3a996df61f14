public import AuditEvents
import HTTPTypes
public import HummingbirdCore

/// Sessions by cookie: begun at sign-in, renewed at a change of privilege, ended by their owner, by time, or by a newer one.
///
/// The id is 256 random bits that only the client holds; its SHA-256 is what is stored. A client's own choice is never taken over. Beside it each session
/// has a handle, which stays when the id is renewed: `Principal.sessionID`, the fingerprint in events, the id in lists.
public struct Sessions: Sendable {
    public struct Configuration: Sendable {
        public var cookie = HostCookie("session")
        /// How long a session lives without being used.
        public var idleSeconds: Int64 = 1800
        /// How long it lives in any case.
        public var absoluteSeconds: Int64 = 43_200
        /// How many an account may have; the one used longest ago gives way.
        public var maximumPerAccount = 10
        /// How old the note of its last use gets before it is written again; bounded by half of `idleSeconds`.
        public var touchSeconds: Int64 = 60
        /// How long an ended session is known as such.
        public var keepSeconds: Int64 = 86_400
        public init() {}
    }

    public let configuration: Configuration
    let store: any SessionStoring
    let now: @Sendable () -> Timestamp

    public init(
        store: any SessionStoring, configuration: Configuration = .init(), now: @escaping @Sendable () -> Timestamp = AuditClock.system.now
    ) {
        self.store = store
        self.configuration = configuration
        self.now = now
    }

    /// Accepts the sessions' cookie.
    ///
    /// - Parameter ignoresStale: whether a request with an expired, ended or unknown session passes as nobody's (its event is emitted all the same), as
    ///   pages want it that are open to all; else it is answered 401.
    public func authenticator(ignoresStale: Bool = false) -> SessionAuthenticator {
        SessionAuthenticator(sessions: self, ignoresStale: ignoresStale)
    }

    /// Begins a session for whoever has just signed in, and sets its cookie: `session_created`.
    ///
    /// A session that the request came with is ended, `session_ended` with `replaced`: what was done in it before the sign-in, by whomever, stays there.
    /// - Returns: the principal, with the session's handle.
    /// - Throws: `UnstorablePrincipal`, `SinkRefusal`, what the store throws.
    @discardableResult
    public func begin(_ principal: Principal, request: Request, context: some AuditedRequestContext) async throws -> Principal {
        let stored = principal.stored
        guard stored.isStorable else { throw UnstorablePrincipal() }
        let now = now()
        if case .value(let former) = configuration.cookie.read(request.headers), Secret.isWellFormed(former),
            let replaced = try await store.end(SecretHash(of: former), reason: "replaced", at: now, keepUntil: keepUntil(now))
        {
            try await emitEnd(of: replaced, reason: "replaced", context.audit)
        }
        let id = Secret.make()
        let expires = now.advanced(bySeconds: configuration.absoluteSeconds)
        let agent = request.headers[.userAgent].map { RequestFacts.bounded($0.storable, to: 256) }
        let session = StoredSession(
            id: SecretHash(of: id), handle: Secret.make(bytes: 16), principal: stored, created: now, idleSeconds: configuration.idleSeconds,
            expires: expires, keepUntil: expires.advanced(bySeconds: configuration.keepSeconds),
            clientIP: context.audit.client?.description, userAgent: agent)
        let displaced = try await store.insert(session, limit: max(1, configuration.maximumPerAccount))
        for other in displaced { try await emitEnd(of: other, reason: "session_limit", context.audit) }
        var principal = principal
        (principal.sessionID, principal.token) = (session.handle, nil)
        context.audit.note(principal)
        try await context.audit.emit(.sessionCreated, outcome: .success)
        set(id, context.audit)
        return principal
    }

    /// Gives the request's session a new id, and the principal's rights as they are now: to be called at every change of privilege. `session_renewed`.
    ///
    /// - Parameter principal: must be of the same account.
    /// - Returns: the principal, with the session's handle.
    /// - Throws: `Problem` 401 where the request has no live session of that account.
    @discardableResult
    public func renew(
        as principal: Principal, reason: String = "privilege_change", context: some AuditedRequestContext
    ) async throws -> Principal {
        guard principal.stored.isStorable else { throw UnstorablePrincipal() }
        let id = Secret.make()
        guard let handle = context.principal?.cookieSession,
            let session = try await store.renew(handle, id: SecretHash(of: id), principal: principal.stored, at: now())
        else { throw Problem(.unauthorized, detail: AuthenticationRejection.missing.detail) }
        var principal = principal
        (principal.sessionID, principal.token) = (session.handle, nil)
        context.audit.note(principal)
        try await context.audit.emit(.sessionRenewed, outcome: .success, reason: reason)
        set(id, context.audit)
        return principal
    }

    /// Ends the request's own session and clears its cookie: `session_ended`.
    /// - Returns: false where it has none.
    @discardableResult
    public func end(reason: String = "logout", context: some AuditedRequestContext) async throws -> Bool {
        guard let principal = context.principal, let handle = principal.cookieSession else { return false }
        context.audit.addResponseField(.setCookie, configuration.cookie.cleared)
        return try await end(.one(handle), of: principal.id, reason: reason, context: context) > 0
    }

    /// Ends those of an account's live sessions that are meant, a `session_ended` each, and returns how many they were.
    ///
    /// `.one` for one of a list, `.allBut` with the request's own `Principal.sessionID` for all others, `.all` after a change of password.
    @discardableResult
    public func end(
        _ selection: SessionSelection, of account: String, reason: String, context: some AuditedRequestContext
    ) async throws -> Int {
        let now = now()
        let ended = try await store.end(selection, of: account, reason: reason, at: now, keepUntil: keepUntil(now))
        for session in ended { try await emitEnd(of: session, reason: reason, context.audit) }
        return ended.count
    }

    /// The account's live sessions, the one used last first.
    public func list(of account: String, context: some AuditedRequestContext) async throws -> [SessionInfo] {
        let current = context.principal?.cookieSession
        return try await store.sessions(of: account, at: now()).map { SessionInfo($0, current: current) }
    }

    func keepUntil(_ now: Timestamp) -> Timestamp { now.advanced(bySeconds: configuration.keepSeconds) }

    private func set(_ id: String, _ audit: AuditContext) {
        audit.addResponseField(.setCookie, configuration.cookie.field(id, maximumAgeSeconds: configuration.absoluteSeconds))
    }

    private func emitEnd(of session: StoredSession, reason: String, _ audit: AuditContext) async throws {
        let fingerprint = audit.fingerprint(session.handle, purpose: .session)
        try await audit.emit(.sessionEnded, outcome: .success, reason: reason) { facts in
            facts.session = fingerprint
            facts.actor = facts.actor ?? EventBody.Actor(id: session.principal.id, name: session.principal.name)
        }
    }
}

extension Principal {
    /// The handle of the session whose cookie the principal came by; nil where it came by a token.
    var cookieSession: String? { token == nil ? sessionID : nil }
}

extension String {
    /// Without NUL, which PostgreSQL's text cannot hold.
    var storable: String { utf8.contains(0) ? String(decoding: utf8.filter { $0 != 0 }, as: UTF8.self) : self }
}
