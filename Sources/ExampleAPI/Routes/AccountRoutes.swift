import AuditEvents
import AuditMiddleware
import Hummingbird
import HummingbirdCore

/// Oneself, and for administrators everybody.
struct AccountRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let users: UserDirectory
    let sessions: SessionStore

    func add(signedIn: some RouterMethods<Context>, administrators: some RouterMethods<Context>) {
        signedIn.get("me") { _, context in
            let principal = context.principal
            return Response.json([
                "id": .string(principal?.id ?? ""), "roles": .array((principal?.roles ?? []).sorted().map { .string($0) }),
            ])
        }
        administrators.get("admin/users") { _, context in
            try await context.audit.emit(.administration, outcome: .success, severity: .low) { $0.target = "users" }
            let users: [JSONValue] = users.all.map { ["username": .string($0.username), "roles": .array($0.roles.map { .string($0) })] }
            return Response.json(["users": .array(users), "sessions": .int(Int64(sessions.liveCount))])
        }
    }
}
