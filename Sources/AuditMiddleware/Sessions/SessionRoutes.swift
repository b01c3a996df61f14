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
        routes.get("\(path)") { [sessions] _, context in
            let account = try Self.account(context)
            let list = try await sessions.list(of: account, context: context).map { JSONValue.object($0.json) }
            return Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(["sessions": .array(list)]))))
        }
        routes.delete("\(path)/:session") { [sessions] _, context in
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
        routes.delete("\(path)") { [sessions] _, context in
            let account = try Self.account(context)
            let selection = context.principal?.cookieSession.map { SessionSelection.allBut($0) } ?? .all
            try await sessions.end(selection, of: account, reason: "ended_by_owner", context: context)
            return Response(status: .noContent)
        }
    }

    private static func account(_ context: Context) throws -> String {
        guard let principal = context.principal else { throw Problem(.unauthorized, detail: AuthenticationRejection.missing.detail) }
        return principal.id
    }
}
