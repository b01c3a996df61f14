import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Lets those in who have one of some roles: others get 403 and leave an `authz_fail` event, nobody gets 401.
public struct RequireRole<Context: AuditedRequestContext>: RouterMiddleware {
    private let roles: [String]
    private let privileged: Bool
    private let challenge: AuthenticationChallenge

    /// - Parameters:
    ///   - roles: any of which suffices; none at all means that any authenticated caller is let in.
    ///   - privileged: whether what lies behind is administration; its events are marked so.
    ///   - realm: the `realm` of the challenges.
    public init(_ roles: [String], privileged: Bool = false, realm: String) {
        self.roles = roles
        self.privileged = privileged
        challenge = AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": realm])
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let principal = context.principal else {
            try await context.audit.emit(.tokenRejected, outcome: .denied, reason: TokenRejection.Reason.missing.code)
            throw problem(.unauthorized, nil, AuthenticationRejection.missing.detail)
        }
        guard roles.isEmpty || roles.contains(where: principal.roles.contains) else {
            try await context.audit.emit(.authorizationFailure, outcome: .denied, reason: "missing_role", severity: .medium) { facts in
                facts.details["required_roles"] = .array(roles.map { .string($0) })
            }
            throw problem(.forbidden, "insufficient_scope", "The credentials do not permit this.")
        }
        if privileged { context.audit.update { $0.privileged = true } }
        return try await next(request, context)
    }

    private func problem(_ status: HTTPResponse.Status, _ error: String?, _ detail: String) -> Problem {
        Problem(status, detail: detail, headers: [.wwwAuthenticate: challenge.value(error: error)])
    }
}

extension RouterMethods where Context: AuditedRequestContext {
    /// A group of routes for callers with one of `roles`; for any authenticated caller when there is none.
    public func group(roles: String..., privileged: Bool = false, realm: String) -> RouterGroup<Context> {
        group().add(middleware: RequireRole(roles, privileged: privileged, realm: realm))
    }
}
