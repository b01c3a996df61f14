import AuditEvents
import HTTPTypes
public import HummingbirdCore

/// Accepts the cookie of `Sessions`. It has no challenge; combine it with `CrossSiteGuard`.
public struct SessionAuthenticator: Authenticator {
    let sessions: Sessions
    let ignoresStale: Bool

    public var challenge: AuthenticationChallenge? { nil }
    public var securityScheme: SecurityScheme { .cookie(sessions.configuration.cookie.name, name: "session") }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        let cookie = sessions.configuration.cookie
        let id: String
        switch cookie.read(request.headers) {
        case .absent: return .absent
        case .ambiguous: return .rejected(.badCookie("ambiguous_cookie"))
        case .oversized: return .rejected(.badCookie("oversized_cookie"))
        case .value(let value): id = value
        }
        guard Secret.isWellFormed(id) else {
            // Nothing here ever set it, so it goes.
            context.audit.addResponseField(.setCookie, cookie.cleared)
            return try await stale(.session(.tokenRejected, "malformed_session", .low), context)
        }
        let hash = SecretHash(of: id)
        let now = sessions.now()
        guard let session = try await sessions.store.session(hash) else {
            // Not cleared: with a renewed id under way on another connection, the new cookie would go.
            var rejection = AuthenticationRejection.session(.tokenRejected, "unknown_session", .medium)
            if let fingerprint = context.audit.fingerprint(id, purpose: .session) { rejection.details["presented"] = .string(fingerprint) }
            return try await stale(rejection, context)
        }
        let principal = Principal(session.principal, sessionID: session.handle)
        switch session.state(at: now) {
        case .live:
            let touch = min(sessions.configuration.touchSeconds, session.idleSeconds / 2)
            if session.seen.advanced(bySeconds: touch) <= now { try await sessions.store.touch(hash, at: now) }
            return .authenticated(principal)
        case .idle: return try await expire(hash, principal, "idle_timeout", now, context)
        case .expired: return try await expire(hash, principal, "absolute_timeout", now, context)
        case .ended: return try await ended(principal, session.endReason, context)
        }
    }

    /// The first to notice the expiry says so, for all instances; whoever comes later uses a session after its end.
    private func expire(
        _ hash: SecretHash, _ principal: Principal, _ reason: String, _ now: Timestamp, _ context: some AuditedRequestContext
    ) async throws -> AuthenticationResult {
        guard try await sessions.store.end(hash, reason: reason, at: now, keepUntil: sessions.keepUntil(now)) != nil else {
            return try await ended(principal, reason, context)
        }
        context.audit.addResponseField(.setCookie, sessions.configuration.cookie.cleared)
        return try await stale(.session(.sessionExpired, reason, .informational), of: principal, context)
    }

    private func ended(
        _ principal: Principal, _ reason: String?, _ context: some AuditedRequestContext
    ) async throws -> AuthenticationResult {
        context.audit.addResponseField(.setCookie, sessions.configuration.cookie.cleared)
        let reason = reason ?? "ended"
        let isExpiry = reason == "idle_timeout" || reason == "absolute_timeout"
        return try await stale(.session(.sessionUseAfterExpire, reason, isExpiry ? .low : .medium), of: principal, context)
    }

    private func stale(
        _ rejection: AuthenticationRejection, of principal: Principal? = nil, _ context: some AuditedRequestContext
    ) async throws -> AuthenticationResult {
        let fingerprint = principal?.sessionID.flatMap { context.audit.fingerprint($0, purpose: .session) }
        if !ignoresStale {
            if let principal { context.audit.note(principal) }
            return .rejected(rejection)
        }
        // Only this event knows whose the session was; the request itself is nobody's.
        let noted = context.audit.facts.reason
        try await context.audit.emit(rejection.event, outcome: .denied, reason: rejection.reason, severity: rejection.severity) { facts in
            facts.session = fingerprint
            if let principal { facts.actor = EventBody.Actor(id: principal.id, name: principal.name) }
            for member in rejection.details { facts.details[member.key] = member.value }
        }
        context.audit.update { $0.reason = noted }
        return .absent
    }
}

extension AuthenticationRejection {
    fileprivate static func session(_ event: EventType, _ reason: String, _ severity: Severity) -> AuthenticationRejection {
        AuthenticationRejection(event: event, reason: reason, severity: severity, detail: "The session is not valid.")
    }

    fileprivate static func badCookie(_ reason: String) -> AuthenticationRejection {
        var rejection = AuthenticationRejection(
            reason: reason, severity: .medium, detail: "The request's cookies are ambiguous or too many.")
        rejection.status = .badRequest
        return rejection
    }
}
