import AuditEvents
import AuditMiddleware
import Hummingbird
import HummingbirdCore

/// Oneself, and for administrators everybody.
struct AccountRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let users: UserDirectory
    let sessions: SessionStore

    private static let roles = JSONSchema.array(of: .string)

    func add(to routes: AuditedRouter<Context>) {
        routes.get(
            "me", policy: .authenticated, APIOperation("Oneself", gives: [.ok: .json(.object(["id": .string, "roles": Self.roles]))])
        ) { _, context in
            let principal = context.principal
            return Response.json([
                "id": .string(principal?.id ?? ""), "roles": .array((principal?.roles ?? []).sorted().map { .string($0) }),
            ])
        }
        let user = JSONSchema.object(["username": .string, "roles": Self.roles]).named("User")
        routes.get(
            "admin/users", policy: .permission("users:read"), privileged: true,
            APIOperation(
                "All accounts", gives: [.ok: .json(.object(["users": .array(of: user), "sessions": .integer(minimum: 0)]))])
        ) { _, context in
            try await context.audit.emit(.administration, outcome: .success, severity: .low) { $0.target = "users" }
            let users: [JSONValue] = users.all.map { ["username": .string($0.username), "roles": .array($0.roles.map { .string($0) })] }
            return Response.json(["users": .array(users), "sessions": .int(Int64(sessions.liveCount))])
        }
    }
}
