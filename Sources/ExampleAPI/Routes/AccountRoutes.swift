import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Oneself: who one is, one's password, one's second factor, signing out.
struct AccountRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let accounts: UserAccounts
    let grants: TokenGrants
    let sessions: Sessions

    static let oneself = JSONSchema.object(["id": .string, "roles": .array(of: .string)]).named("Oneself")
    private static let password = JSONSchema.string(length: 1...1024)

    static func json(_ principal: Principal?) -> JSONValue {
        ["id": .string(principal?.id ?? ""), "roles": .array((principal?.roles ?? []).sorted().map { .string($0) })]
    }

    func add(to routes: AuditedRouter<Context>) {
        routes.get("me", policy: .authenticated, APIOperation("Oneself", gives: [.ok: .json(Self.oneself)])) { _, context in
            Response.json(Self.json(context.principal))
        }
        routes.post(
            "me/password", policy: .authenticated,
            APIOperation(
                "Changes one's password, and signs out everywhere else", takes: .object(["current": Self.password, "new": Self.password]),
                gives: [.noContent: .empty], fails: [.notFound, .conflict, .tooManyRequests]),
            use: changePassword)
        let codes = JSONSchema.object(["secret": .string, "uri": .string, "ticket": .string]).named("SecondFactor")
        routes.post(
            "me/second-factor", policy: .authenticated,
            APIOperation(
                "Begins to set up one-time codes (RFC 6238)", gives: [.ok: .json(codes)], fails: [.notFound, .conflict]),
            use: beginSecondFactor)
        routes.put(
            "me/second-factor", policy: .authenticated,
            APIOperation(
                "Sets one-time codes up, by a first one",
                takes: .object(["ticket": .string(length: 1...1024), "code": .string(length: 1...64)]),
                gives: [.ok: .json(.object(["recovery_codes": .array(of: .string)]))], fails: [.notFound, .conflict]),
            use: confirmSecondFactor)
        routes.post(
            "logout", policy: .authenticated, APIOperation("Ends the session and all its tokens", gives: [.noContent: .empty]), use: logOut)
        routes.post(
            "logout/everywhere", policy: .authenticated, APIOperation("Ends all one's sessions and tokens", gives: [.noContent: .empty]),
            use: logOutEverywhere)
    }

    @Sendable func changePassword(_ request: Request, _ context: Context) async throws -> Response {
        let body = try await request.jsonObject()
        guard let principal = context.principal, let current = body["current"]?.string, let new = body["new"]?.string else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_password_change", severity: .low)
            throw Problem(.badRequest, detail: "current and new are required.")
        }
        try await accounts.changePassword(of: principal.id, current: current, new: new, in: context.audit)
        // Whoever knew the former password is signed out; this client stays, by another session id.
        let (reason, others) = ("password_change", principal.sessionID.map { SessionSelection.allBut($0) } ?? .all)
        if principal.token == nil {
            try await sessions.renew(as: principal, reason: reason, context: context)
            try await sessions.end(others, of: principal.id, reason: reason, context: context)
            try await grants.endAll(of: principal.id, reason: reason, context: context)
        } else {
            try await grants.end(others, of: principal.id, reason: reason, context: context)
            try await sessions.end(.all, of: principal.id, reason: reason, context: context)
        }
        return Response(status: .noContent)
    }

    @Sendable func beginSecondFactor(_ request: Request, _ context: Context) async throws -> Response {
        let enrolment = try await accounts.beginSecondFactor(of: context.principal?.id ?? "")
        return .json(
            ["secret": .string(enrolment.secret.base32), "uri": .string(enrolment.uri), "ticket": .string(enrolment.ticket)],
            headers: [.cacheControl: "no-store"])
    }

    @Sendable func confirmSecondFactor(_ request: Request, _ context: Context) async throws -> Response {
        let body = try await request.jsonObject()
        guard let ticket = body["ticket"]?.string, let code = body["code"]?.string else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_second_factor", severity: .low)
            throw Problem(.badRequest, detail: "ticket and code are required.")
        }
        let codes = try await accounts.confirmSecondFactor(
            of: context.principal?.id ?? "", ticket: ticket, code: code, in: context.audit)
        return .json(["recovery_codes": .array(codes.map { .string($0) })], headers: [.cacheControl: "no-store"])
    }

    @Sendable func logOut(_ request: Request, _ context: Context) async throws -> Response {
        if try await !sessions.end(context: context) { try await grants.end(context: context) }
        return Response(status: .noContent)
    }

    @Sendable func logOutEverywhere(_ request: Request, _ context: Context) async throws -> Response {
        guard let id = context.principal?.id else { throw Problem(.unauthorized) }
        try await grants.endAll(of: id, context: context)
        try await sessions.end(.all, of: id, reason: "logout_everywhere", context: context)
        return Response(status: .noContent)
    }
}
