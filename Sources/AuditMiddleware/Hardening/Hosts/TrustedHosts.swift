import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Answers requests for these hosts alone; others get 400 and leave an `input_validation_fail` event.
///
/// Hosts are names, IPv6 literals in brackets, `*.example.com` (every subdomain, not the domain itself), or `*`; upper case, a root's dot and
/// the port make no difference. As in Starlette, a request for `example.com` is sent to `www.example.com` where only the latter is trusted.
///
/// Stricter than Starlette: a missing, repeated or malformed `Host` is 400 even with `*` (RFC 9112 §3.2), the redirect is 308 unless told
/// otherwise, and `evil.example:80@x` or Unicode is not cut until it fits.
public struct TrustedHosts<Context: AuditedRequestContext>: RouterMiddleware {
    private enum Verdict {
        case trusted
        case redirect(String)
        case refused(String)
    }

    private let patterns: [HostPattern]
    private let redirectsToWWW: Bool
    private let redirect: RedirectStatus
    private let scheme: SchemeTrust

    /// - Parameters:
    ///   - wwwRedirect: whether a trusted `www.` host also stands for the name without it, by a redirect.
    ///   - scheme: by whose word the redirect goes to `https`.
    /// - Throws: `HardeningError` for an empty list and for what is not a host.
    public init(
        _ hosts: [String], wwwRedirect: Bool = true, redirect: RedirectStatus = .permanent, scheme: SchemeTrust = .connection
    ) throws {
        guard !hosts.isEmpty else { throw HardeningError(.invalidHost, "") }
        patterns = try hosts.map { try HostPattern($0) }
        redirectsToWWW = wwwRedirect
        self.redirect = redirect
        self.scheme = scheme
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        switch verdict(request) {
        case .trusted: return try await next(request, context)
        case .redirect(let location): return Response(status: redirect.status, headers: [.location: location])
        case .refused(let reason):
            throw try await context.audit.refusal(
                .badRequest, reason: reason, severity: reason == "untrusted_host" ? .low : .medium, detail: "Invalid host header")
        }
    }

    private func verdict(_ request: Request) -> Verdict {
        // The server takes the first Host for the authority and leaves any further among the fields.
        if request.headers.contains(.repeatedHost) { return .refused("repeated_host") }
        guard let authority = request.head.authority else { return .refused("missing_host") }
        let bytes = authority.utf8.span
        guard let parts = Authority(bytes) else { return .refused(bytes.isEmpty ? "missing_host" : "invalid_host") }
        for pattern in patterns where pattern.matches(bytes, parts) { return .trusted }
        guard redirectsToWWW, patterns.contains(where: { $0.isWWW(of: bytes, parts) }) else { return .refused("untrusted_host") }
        return .redirect(
            Authority.location(
                secure: scheme.isSecure(request), host: Array("www.".utf8) + authority.utf8.prefix(parts.hostLength), port: parts.port,
                target: request.head.path))
    }
}

extension HTTPField.Name {
    /// `Host`, as a field beside the authority.
    static let repeatedHost = HTTPField.Name("Host") ?? .via
}
