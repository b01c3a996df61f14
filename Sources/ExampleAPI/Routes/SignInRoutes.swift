import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Sign in, renew, sign out: with tokens, or with a cookie.
struct SignInRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let signIn: PasswordSignIn
    let grants: TokenGrants
    let sessions: Sessions
    let accounts: any AccountStoring

    private static let credentials = JSONSchema.object(
        ["username": .string(length: 1...64), "password": .string(length: 1...1024), "code": .string(length: 1...64)], optional: ["code"]
    ).named("Credentials")
    private static let challenge = AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": ExampleAPI.realm])

    /// - Parameters:
    ///   - throttled: where passwords may be tried.
    ///   - browsers: likewise, and only from pages of one's own.
    func add(open: AuditedRouter<Context>, throttled: AuditedRouter<Context>, browsers: AuditedRouter<Context>) {
        throttled.post(
            "login", policy: .anyone,
            APIOperation("Signs in", takes: Self.credentials, gives: [.ok: .json(TokenGrant.schema)], fails: [.unauthorized]),
            use: logIn)
        browsers.post(
            "session", policy: .anyone,
            APIOperation(
                "Signs a browser in, by a cookie", takes: Self.credentials, gives: [.created: .json(AccountRoutes.oneself)],
                fails: [.unauthorized]),
            use: logInByCookie)
        open.post(
            "token/refresh", policy: .anyone,
            APIOperation(
                "Exchanges a refresh token, which is good once", takes: .object(["refresh_token": .string(length: 1...256)]),
                gives: [.ok: .json(TokenGrant.schema)], fails: [.unauthorized]),
            use: refresh)
    }

    @Sendable func logIn(_ request: Request, _ context: Context) async throws -> Response {
        let principal = try await principal(request, context)
        return .json(.object(try await grants.begin(principal, context: context).json), headers: [.cacheControl: "no-store"])
    }

    @Sendable func logInByCookie(_ request: Request, _ context: Context) async throws -> Response {
        let principal = try await principal(request, context)
        try await sessions.begin(principal, request: request, context: context)
        return .json(AccountRoutes.json(principal), status: .created, headers: [.cacheControl: "no-store"])
    }

    private func principal(_ request: Request, _ context: Context) async throws -> Principal {
        let body = try await request.jsonObject()
        guard let username = body["username"]?.string, (1...64).contains(username.unicodeScalars.count),
            let password = body["password"]?.string, (1...1024).contains(password.unicodeScalars.count),
            body["code"].map({ $0.string.map { (1...64).contains($0.unicodeScalars.count) } ?? false }) ?? true
        else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_login", severity: .low)
            throw Problem(.badRequest, detail: "username (1 to 64 characters) and password (1 to 1024 characters) are required.")
        }
        let outcome = try await signIn.attempt(username: username, password: password, code: body["code"]?.string, in: context.audit)
        guard case .signedIn(let signedIn) = outcome else { throw outcome.problem(challenge: Self.challenge) ?? Problem(.unauthorized) }
        return signedIn.principal
    }

    @Sendable func refresh(_ request: Request, _ context: Context) async throws -> Response {
        guard let token = try await request.jsonObject()["refresh_token"]?.string, (1...256).contains(token.unicodeScalars.count) else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_refresh", severity: .low)
            throw Problem(.badRequest, detail: "refresh_token is required.")
        }
        do {
            return .json(
                .object(try await grants.refresh(token, context: context, reload: reload).json), headers: [.cacheControl: "no-store"])
        } catch let problem as Problem where problem.members["error"] == "invalid_grant" {
            // `oauth/token` answers as RFC 6749 says; here it is a credential like any other.
            throw Problem(
                .unauthorized, detail: problem.detail, headers: [.wwwAuthenticate: Self.challenge.value(error: "invalid_token")])
        }
    }

    /// Whoever refreshes has the rights that the account has now, and none when it is disabled.
    @Sendable func reload(_ principal: Principal) async throws -> Principal? {
        guard let account = try await accounts.account(id: principal.id), account.disabled == nil else { return nil }
        var principal = principal
        principal.roles = Set(account.roles)
        return principal
    }
}
