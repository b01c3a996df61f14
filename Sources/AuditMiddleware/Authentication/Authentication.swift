import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Finds out who makes a request by one or more schemes, tried in the order they are given.
///
/// The first scheme that finds a credential of its own decides. One that does not hold is answered 401 with every scheme's challenge and leaves
/// an `authn_token_rejected` event (or the scheme's own) with the reason. A request without any credential passes as nobody's, unless
/// `required`.
///
/// ```swift
/// let signedIn = router.group().add(middleware: Authentication(BearerAuthenticator(verifier: verifier, realm: "shop"), apiKeys))
/// ```
public struct Authentication<Context: AuditedRequestContext>: RouterMiddleware {
    let schemes: [any Authenticator]
    let required: Bool

    /// - Parameter required: whether requests without a credential are refused here.
    public init(_ schemes: any Authenticator..., required: Bool = true) { self.init(schemes: schemes, required: required) }

    public init(schemes: [any Authenticator], required: Bool = true) {
        self.schemes = schemes
        self.required = required
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if request.headers.count(where: { $0.name == .authorization }) > 1 {
            var rejection = AuthenticationRejection(
                reason: TokenRejection.Reason.repeatedHeader.code, severity: TokenRejection.Reason.repeatedHeader.severity,
                error: "invalid_request", detail: "The request has more than one Authorization field.")
            rejection.status = .badRequest
            return try await refuse(rejection, by: nil, context)
        }
        for (index, scheme) in schemes.enumerated() {
            switch try await scheme.authenticate(request, context: context) {
            case .absent: continue
            case .rejected(let rejection): return try await refuse(rejection, by: index, context)
            case .authenticated(let principal):
                context.audit.note(principal)
                var context = context
                context.principal = principal
                return try await next(request, context)
            }
        }
        guard required else { return try await next(request, context) }
        return try await refuse(.missing, by: nil, context)
    }

    /// - Parameter index: the scheme whose challenge bears the error; nil for all of them.
    private func refuse(_ rejection: AuthenticationRejection, by index: Int?, _ context: Context) async throws -> Response {
        try await context.audit.emit(rejection.event, outcome: rejection.outcome, reason: rejection.reason, severity: rejection.severity) {
            facts in
            for member in rejection.details { facts.details[member.key] = member.value }
        }
        var headers = rejection.headers
        for (place, scheme) in schemes.enumerated() where rejection.status.kind == .clientError {
            guard let challenge = scheme.challenge else { continue }
            let error = index == nil || index == place ? rejection.error : nil
            headers.append(HTTPField(name: .wwwAuthenticate, value: challenge.value(error: error)))
        }
        throw Problem(rejection.status, detail: rejection.detail, headers: headers)
    }
}

extension AuthenticationRejection {
    /// No credential, where one is required: 401 without an error code (RFC 6750 §3.1).
    static let missing = AuthenticationRejection(
        reason: TokenRejection.Reason.missing.code, severity: TokenRejection.Reason.missing.severity, detail: "Authentication is required.")
}

extension AuditContext {
    /// Notes who makes the request.
    public func note(_ principal: Principal) {
        let session = principal.sessionFingerprint ?? principal.sessionID.flatMap { fingerprint($0, purpose: .session) }
        update { facts in
            facts.actor = EventBody.Actor(id: principal.id, name: principal.name)
            facts.actorKind = principal.kind
            if let session { facts.session = session }
        }
    }
}
