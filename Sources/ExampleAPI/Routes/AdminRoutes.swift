import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Other people's accounts, for administrators.
struct AdminRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let accounts: UserAccounts
    let store: any AccountStoring
    let grants: TokenGrants
    let sessions: Sessions

    private static let page = 100
    private static let roles = JSONSchema.array(of: .oneOf("admin", "editor", "reader"))
    private static let user = APIOperation.Parameter.path("id", .string(pattern: "^[a-z0-9][a-z0-9._-]{0,63}$"))

    func add(to routes: AuditedRouter<Context>) {
        let user = JSONSchema.object(["id": .string, "username": .string, "roles": .array(of: .string), "disabled": .boolean]).named("User")
        routes.get(
            "users", policy: .permission("users:read"), privileged: true,
            APIOperation(
                "The accounts in the order of their names, \(Self.page) at a time",
                parameters: [.query("after", .string(pattern: "^[a-z0-9][a-z0-9._-]{0,63}$"), "The last name of the page before.")],
                gives: [.ok: .json(.object(["users": .array(of: user)]))], fails: [.badRequest]),
            use: list)
        routes.put(
            "users/:id/roles", policy: .permission("users:write"), privileged: true,
            APIOperation(
                "Gives an account other roles, and signs it out", parameters: [Self.user], takes: .object(["roles": Self.roles]),
                gives: [.noContent: .empty], fails: [.notFound]),
            use: setRoles)
        routes.put(
            "users/:id/disabled", policy: .permission("users:write"), privileged: true,
            APIOperation(
                "Closes an account, or opens it again", parameters: [Self.user], takes: .object(["disabled": .boolean]),
                gives: [.noContent: .empty], fails: [.notFound]),
            use: setDisabled)
        routes.delete(
            "users/:id/second-factor", policy: .permission("users:write"), privileged: true,
            APIOperation(
                "Takes an account's second factor away", parameters: [Self.user], gives: [.noContent: .empty], fails: [.notFound]),
            use: removeSecondFactor)
    }

    @Sendable func list(_ request: Request, _ context: Context) async throws -> Response {
        try await context.audit.emit(.administration, outcome: .success, severity: .low) { $0.target = "users" }
        let after = request.uri.queryParameters["after"].map(String.init)
        guard after == nil || after == after.flatMap({ Username($0)?.description }) else {
            throw try await malformed("malformed_page", context)
        }
        let users = try await store.accounts(after: after, limit: Self.page)
        let list = users.map { user -> JSONValue in
            [
                "id": .string(user.id), "username": .string(user.username), "roles": .array(user.roles.map { .string($0) }),
                "disabled": .bool(user.disabled != nil),
            ]
        }
        return .json(["users": .array(list)])
    }

    @Sendable func setRoles(_ request: Request, _ context: Context) async throws -> Response {
        let id = context.parameters.get("id") ?? ""
        guard let values = try await request.jsonObject()["roles"]?.array else { throw try await malformed("malformed_roles", context) }
        let roles = values.compactMap(\.string)
        // Those that mean something here: a misspelt one would be a surprise later.
        guard roles.count == values.count, roles.allSatisfy({ ["admin", "editor", "reader"].contains($0) }) else {
            throw try await malformed("malformed_roles", context)
        }
        try await accounts.setRoles(Array(Set(roles)).sorted(), of: id, in: context.audit)
        try await signOut(id, "roles_changed", context)
        return Response(status: .noContent)
    }

    @Sendable func setDisabled(_ request: Request, _ context: Context) async throws -> Response {
        let id = context.parameters.get("id") ?? ""
        guard case .bool(let isDisabled) = try await request.jsonObject()["disabled"] else {
            throw try await malformed("malformed_disabled", context)
        }
        try await accounts.setDisabled(isDisabled, of: id, in: context.audit)
        if isDisabled { try await signOut(id, "account_disabled", context) }
        return Response(status: .noContent)
    }

    @Sendable func removeSecondFactor(_ request: Request, _ context: Context) async throws -> Response {
        try await accounts.removeSecondFactor(of: context.parameters.get("id") ?? "", in: context.audit)
        return Response(status: .noContent)
    }

    /// What was given under the former rights ends.
    private func signOut(_ id: String, _ reason: String, _ context: Context) async throws {
        try await grants.endAll(of: id, reason: reason, context: context)
        try await sessions.end(.all, of: id, reason: reason, context: context)
    }

    private func malformed(_ reason: String, _ context: Context) async throws -> Problem {
        try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: reason, severity: .low)
        return Problem(.badRequest, detail: "The request is not what this route takes.")
    }
}
