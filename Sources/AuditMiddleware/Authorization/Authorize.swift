import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Lets those in whom a policy allows: others get 403 and leave an `authz_fail` event with what they lack, nobody gets 401.
///
/// On an `AuditedRouter` it is spelled `policy:` of a route or a group, which also lists it.
public struct Authorize<Context: AuditedRequestContext>: RouterMiddleware {
    let policy: Policy
    let privileged: Bool
    private let permissions: PermissionTable
    private let recordsAllowed: Bool
    private let challenges: [AuthenticationChallenge]
    private let text: String

    /// - Parameters:
    ///   - permissions: what roles permit, for `Policy.permission`.
    ///   - privileged: whether what lies behind is administration; its events are marked so.
    ///   - recordsAllowed: whether those let in leave an event too, `authz_success` (OWASP ASVS 5 16.3.2, level 3).
    ///   - challenges: of the schemes that are accepted: what nobody is told in a 401. In a 403 it is Bearer's and DPoP's that name the lack.
    public init(
        _ policy: Policy, permissions: PermissionTable = [:], privileged: Bool = false, recordsAllowed: Bool = false,
        challenges: [AuthenticationChallenge]
    ) {
        self.policy = policy
        self.permissions = permissions
        self.privileged = privileged
        self.recordsAllowed = recordsAllowed
        self.challenges = challenges
        text = policy.description
    }

    /// With Bearer's challenge alone.
    public init(
        _ policy: Policy, permissions: PermissionTable = [:], privileged: Bool = false, recordsAllowed: Bool = false, realm: String
    ) {
        self.init(
            policy, permissions: permissions, privileged: privileged, recordsAllowed: recordsAllowed,
            challenges: [AuthenticationChallenge(scheme: "Bearer", parameters: ["realm": realm])])
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let subject = PolicySubject(
            principal: context.principal, permissions: permissions, parameters: context.parameters, head: request.head)
        switch try await policy.decision(for: subject) {
        case .allowed:
            if privileged { context.audit.update { $0.privileged = true } }
            if recordsAllowed {
                try await context.audit.emit(.authorizationSuccess, outcome: .success) { $0.details["policy"] = .string(text) }
            }
            return try await next(request, context)
        case .denied(let denial):
            guard context.principal != nil else {
                try await context.audit.emit(.tokenRejected, outcome: .denied, reason: TokenRejection.Reason.missing.code) {
                    $0.details["policy"] = .string(text)
                }
                throw Problem(.unauthorized, detail: AuthenticationRejection.missing.detail, headers: fields(challenges) { $0.value() })
            }
            try await context.audit.emit(.authorizationFailure, outcome: .denied, reason: denial.reason, severity: .medium) { facts in
                facts.details["policy"] = .string(text)
                facts.details["missing"] = .array(denial.missing.map { .string($0) })
            }
            let challenges = challenges.filter { $0.scheme == "Bearer" || $0.scheme == "DPoP" }
            throw Problem(
                .forbidden, detail: "The credentials do not permit this.",
                headers: fields(challenges) { $0.value(error: "insufficient_scope", scopes: denial.scopes) })
        }
    }

    private func fields(_ challenges: [AuthenticationChallenge], _ value: (AuthenticationChallenge) -> String) -> HTTPFields {
        HTTPFields(challenges.map { HTTPField(name: .wwwAuthenticate, value: value($0)) })
    }
}

/// Stands before a route that nobody decided about, where that is not permitted: 403 for everybody.
struct DeniedByDefault<Context: AuditedRequestContext>: RouterMiddleware {
    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await context.audit.emit(.authorizationFailure, outcome: .denied, reason: "no_policy", severity: .medium)
        throw Problem(.forbidden)
    }
}

extension RouterMethods where Context: AuditedRequestContext {
    /// A group of routes for callers with one of `roles`; for any authenticated caller when there is none.
    public func group(roles: String..., privileged: Bool = false, realm: String) -> RouterGroup<Context> {
        let policy: Policy = roles.isEmpty ? .authenticated : roles.count == 1 ? .role(roles[0]) : .anyOf(roles.map(Policy.role))
        return group().add(middleware: Authorize(policy, privileged: privileged, realm: realm))
    }
}
