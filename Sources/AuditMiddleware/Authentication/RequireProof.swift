import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Lets those in whose token is bound to a key that they proved to have (RFC 9449): for routes where a stolen token must be of no use.
///
/// Behind an `Authentication` with a `DPoPAuthenticator` and others. Whoever came by another way gets 401 with the `DPoP` challenge.
public struct RequireProof<Context: AuditedRequestContext>: RouterMiddleware {
    private let challenge: AuthenticationChallenge

    /// - Parameter authenticator: whose challenge is told.
    public init(_ authenticator: DPoPAuthenticator) {
        challenge = authenticator.challenge ?? AuthenticationChallenge(scheme: "DPoP", parameters: [:])
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        // Whoever has a bound token came by DPoP: `BearerAuthenticator` refuses it.
        if case .key = context.principal?.token?.binding { return try await next(request, context) }
        let reason = context.principal == nil ? TokenRejection.Reason.missing : .proofMissing
        try await context.audit.emit(.tokenRejected, outcome: .denied, reason: reason.code, severity: reason.severity)
        throw Problem(
            .unauthorized, detail: "A token with proof of possession is required.",
            headers: [.wwwAuthenticate: challenge.value(error: context.principal == nil ? nil : "invalid_token")])
    }
}
