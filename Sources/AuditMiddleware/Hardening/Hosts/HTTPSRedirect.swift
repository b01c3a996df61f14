import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Sends requests that came without TLS to the same place over `https`.
///
/// As in Starlette, the ports 80 and 443 are left out of the new address and any other is kept; unlike there, the status is 308 unless told
/// otherwise. Stand it behind ``TrustedHosts``: the host of the redirect is the client's.
public struct HTTPSRedirect<Context: AuditedRequestContext>: RouterMiddleware {
    private let redirect: RedirectStatus
    private let scheme: SchemeTrust
    private let port: UInt16?
    private let exempt: [String]

    /// - Parameters:
    ///   - scheme: by whose word a request came over TLS. With `.connection` behind a proxy that ends TLS, the redirect would not end.
    ///   - port: where `https` is; nil to keep the request's, 80 and 443 aside.
    ///   - exempt: paths that are served without TLS, compared whole: probes, say.
    public init(redirect: RedirectStatus = .permanent, scheme: SchemeTrust, port: UInt16? = nil, exempt: [String] = []) {
        self.redirect = redirect
        self.scheme = scheme
        self.port = port
        self.exempt = exempt
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if scheme.isSecure(request) || isExempt(request.head.path) { return try await next(request, context) }
        guard let authority = request.head.authority, !request.headers.contains(.repeatedHost), let parts = Authority(authority.utf8.span)
        else {
            throw try await context.audit.refusal(.badRequest, reason: "invalid_host", severity: .medium, detail: "Invalid host header")
        }
        var port = port ?? parts.port
        if port == 80 || port == 443 { port = nil }
        let location = Authority.location(
            secure: true, host: authority.utf8.prefix(parts.hostLength), port: port, target: request.head.path)
        return Response(status: redirect.status, headers: [.location: location])
    }

    private func isExempt(_ target: String?) -> Bool {
        guard !exempt.isEmpty, let target else { return false }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        return exempt.contains { path.elementsEqual($0.utf8) }
    }
}
