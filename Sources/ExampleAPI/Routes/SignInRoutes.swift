import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Sign in, renew, sign out.
struct SignInRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let users: UserDirectory
    let sessions: SessionStore
    let issuer: TokenIssuer
    let accessLifetimeSeconds: Int64

    private static let credentials = JSONSchema.object(["username": .string(length: 1...64), "password": .string(length: 1...1024)])
    private static let tokens = JSONSchema.object([
        "access_token": .string, "token_type": .oneOf("Bearer"), "expires_in": .integer(minimum: 1), "refresh_token": .string,
    ]).named("Tokens")

    func add(open: AuditedRouter<Context>, throttled: AuditedRouter<Context>, signedIn: AuditedRouter<Context>) {
        throttled.post(
            "login", policy: .anyone,
            APIOperation(
                "Signs in", takes: Self.credentials.named("Credentials"), gives: [.ok: .json(Self.tokens)], fails: [.unauthorized]),
            use: logIn)
        open.post(
            "token/refresh", policy: .anyone,
            APIOperation(
                "Exchanges a refresh token, which is good once", takes: .object(["refresh_token": .string(length: 1...256)]),
                gives: [.ok: .json(Self.tokens)], fails: [.unauthorized]),
            use: refresh)
        signedIn.post(
            "logout", policy: .authenticated, APIOperation("Ends the session and all its tokens", gives: [.noContent: .empty]), use: logOut)
    }

    @Sendable func logIn(_ request: Request, _ context: Context) async throws -> Response {
        let body = try await request.jsonObject()
        guard let username = body["username"]?.string, (1...64).contains(username.unicodeScalars.count),
            let password = body["password"]?.string,
            (1...1024).contains(password.unicodeScalars.count)
        else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_login", severity: .low)
            throw Problem(.badRequest, detail: "username (1 to 64 characters) and password (1 to 1024 characters) are required.")
        }
        let account = users.account(username)
        guard try await users.passwords.verify(password, against: account?.passwordHash), let account else {
            let reason = account == nil ? "unknown_account" : "bad_password"
            try await context.audit.emit(.loginFailure, outcome: .failure, reason: reason, severity: .low) { facts in
                facts.actor = EventBody.Actor(id: account?.username, name: username)
                facts.details["factor"] = "password"
            }
            // One answer for both: which accounts exist is not told.
            throw Problem(.unauthorized, detail: "Unknown user or wrong password.", headers: [.wwwAuthenticate: "Bearer realm=\"example\""])
        }
        let (session, refreshToken) = sessions.begin(username: account.username)
        let accessToken = try token(for: account, session)
        context.audit.update { facts in
            facts.actor = EventBody.Actor(id: account.username, name: account.username)
            facts.actorKind = .user
        }
        note(session, accessToken, context)
        try await context.audit.emit(.loginSuccess, outcome: .success) { $0.details["factor"] = "password" }
        try await context.audit.emit(.sessionCreated, outcome: .success)
        return tokens(accessToken, refreshToken)
    }

    @Sendable func refresh(_ request: Request, _ context: Context) async throws -> Response {
        guard let presented = try await request.jsonObject()["refresh_token"]?.string, (1...256).contains(presented.unicodeScalars.count)
        else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_refresh", severity: .low)
            throw Problem(.badRequest, detail: "refresh_token is required.")
        }
        let rotation = sessions.rotate(presented)
        if case .renewed(let session, let refreshToken) = rotation, let account = users.account(session.username) {
            let accessToken = try token(for: account, session)
            note(actorOf: session, context)
            note(session, accessToken, context)
            try await context.audit.emit(.sessionRenewed, outcome: .success)
            return tokens(accessToken, refreshToken)
        }
        let fingerprint = context.audit.fingerprint(presented, purpose: .token)
        context.audit.update { $0.token = EventBody.Token(fingerprint: fingerprint) }
        switch rotation {
        case .reused(let session, let ended):
            note(actorOf: session, context)
            try await context.audit.emit(.tokenReuse, outcome: .denied, reason: "refresh_reused", severity: .high)
            if ended { try await context.audit.emit(.sessionEnded, outcome: .success, reason: "refresh_reused") }
        case .revoked(let session):
            note(actorOf: session, context)
            try await context.audit.emit(.tokenRejected, outcome: .denied, reason: "revoked", severity: .high)
        case .renewed, .unknown:
            try await context.audit.emit(.tokenRejected, outcome: .denied, reason: "unknown_refresh_token", severity: .medium)
        }
        throw Problem(
            .unauthorized, detail: "The refresh token is not valid.",
            headers: [.wwwAuthenticate: "Bearer realm=\"example\", error=\"invalid_token\""])
    }

    @Sendable func logOut(_ request: Request, _ context: Context) async throws -> Response {
        if let id = context.principal?.sessionID, sessions.end(id) {
            try await context.audit.emit(.tokenRevoked, outcome: .success, reason: "logout")
            try await context.audit.emit(.sessionEnded, outcome: .success, reason: "logout")
        }
        return Response(status: .noContent)
    }

    private func token(for account: UserDirectory.Account, _ session: SessionStore.Session) throws -> String {
        try issuer.issue(
            subject: account.username, lifetimeSeconds: accessLifetimeSeconds,
            claims: [
                "client_id": "example", "name": .string(account.username), "roles": .array(account.roles.map { .string($0) }),
                "sid": .string(session.id),
            ])
    }

    private func note(actorOf session: SessionStore.Session, _ context: Context) {
        let fingerprint = context.audit.fingerprint(session.id, purpose: .session)
        context.audit.update { facts in
            facts.actor = EventBody.Actor(id: session.username, name: session.username)
            facts.actorKind = .user
            facts.session = fingerprint
        }
    }

    private func note(_ session: SessionStore.Session, _ accessToken: String, _ context: Context) {
        let audit = context.audit
        let (token, id) = (audit.fingerprint(accessToken, purpose: .token), audit.fingerprint(session.id, purpose: .session))
        audit.update { facts in
            facts.session = id
            facts.token = EventBody.Token(fingerprint: token, issuer: issuer.issuer, keyID: issuer.key.id)
        }
    }

    private func tokens(_ accessToken: String, _ refreshToken: String) -> Response {
        .json(
            [
                "access_token": .string(accessToken), "token_type": "Bearer", "expires_in": .int(accessLifetimeSeconds),
                "refresh_token": .string(refreshToken),
            ], headers: [.cacheControl: "no-store"])
    }
}
