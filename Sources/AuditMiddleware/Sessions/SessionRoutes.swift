import AuditEvents
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore

/// One's own sessions: `GET PATH` lists them, `DELETE PATH/{id}` ends one, `DELETE PATH` all others.
public struct SessionRoutes<Context: AuditedRequestContext>: Sendable {
    private let sessions: Sessions

    public init(_ sessions: Sessions) { self.sessions = sessions }

    /// - Parameter routes: behind `Authentication` with the sessions' authenticator, and a `CrossSiteGuard`.
    public func add(to routes: some RouterMethods<Context>, path: String = "sessions") {
        routes.get("\(path)", use: list)
        routes.delete("\(path)/:session", use: endOne)
        routes.delete("\(path)", use: endOthers)
    }

    @Sendable func list(_ request: Request, _ context: Context) async throws -> Response {
        let account = try Self.account(context)
        let list = try await sessions.list(of: account, context: context).map { JSONValue.object($0.json) }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(["sessions": .array(list)]))))
    }

    @Sendable func endOne(_ request: Request, _ context: Context) async throws -> Response {
        let account = try Self.account(context)
        guard let id = context.parameters.get("session"), id.utf8.count <= 64, !id.utf8.contains(0) else { throw Problem(.notFound) }
        if id == context.principal?.cookieSession {
            try await sessions.end(reason: "ended_by_owner", context: context)
        } else {
            // Another account's is as unknown as one that never was.
            guard try await sessions.end(.one(id), of: account, reason: "ended_by_owner", context: context) > 0 else {
                throw Problem(.notFound)
            }
        }
        return Response(status: .noContent)
    }

    @Sendable func endOthers(_ request: Request, _ context: Context) async throws -> Response {
        let account = try Self.account(context)
        let selection = context.principal?.cookieSession.map { SessionSelection.allBut($0) } ?? .all
        try await sessions.end(selection, of: account, reason: "ended_by_owner", context: context)
        return Response(status: .noContent)
    }

    private static func account(_ context: Context) throws -> String {
        guard let principal = context.principal else { throw Problem(.unauthorized, detail: AuthenticationRejection.missing.detail) }
        return principal.id
    }
}

extension SessionRoutes {
    /// The same for whoever is signed in, and described.
    public func add(to routes: AuditedRouter<Context>, path: String = "sessions") {
        let time = JSONSchema.string(format: "date-time")
        let session = JSONSchema.object(
            [
                "id": .string, "created": time, "seen": time, "expires": time, "client_ip": .string, "user_agent": .string,
                "current": .boolean,
            ], optional: ["client_ip", "user_agent"]
        ).named("Session")
        routes.get(
            "\(path)", policy: .authenticated,
            APIOperation("One's own sessions", gives: [.ok: .json(.object(["sessions": .array(of: session)]))]), use: list)
        routes.delete(
            "\(path)/:session", policy: .authenticated,
            APIOperation(
                "Ends a session of one's own", parameters: [.path("session", .string(pattern: "^[A-Za-z0-9_-]{1,64}$"))],
                gives: [.noContent: .empty], fails: [.notFound]), use: endOne)
        routes.delete(
            "\(path)", policy: .authenticated, APIOperation("Ends all one's own sessions but this", gives: [.noContent: .empty]),
            use: endOthers)
    }
}
