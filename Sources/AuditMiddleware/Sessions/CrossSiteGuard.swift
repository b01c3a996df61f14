import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Refuses requests that another site made a browser send with a session's cookie (cross-site request forgery): 403, `malicious_cors`.
///
/// It concerns the methods that change something, of requests whose principal came by a cookie; those with a bearer token or an API key, which no browser
/// adds by itself, pass. It belongs right after `Authentication`.
///
/// The browser's word decides: `Sec-Fetch-Site`, else `Origin`, else `Referer`, compared with the request's host and the allowed origins. Where
/// the browser says nothing, a token of `CrossSiteTokens` in `X-CSRF-Token` or the form field `csrf_token` does.
public struct CrossSiteGuard<Context: AuditedRequestContext>: RouterMiddleware {
    /// Which requests are judged.
    public struct Scope: Sendable, Hashable {
        let coversAnonymous: Bool
        /// Those whose principal came by a session's cookie.
        public static var sessions: Scope { Scope(coversAnonymous: false) }
        /// Those of nobody as well, as a sign-in is, so that no other site can sign a browser in. Without a session no token helps, so a client that
        /// is no browser passes there when it sends none of the three fields.
        public static var sessionsAndAnonymous: Scope { Scope(coversAnonymous: true) }
    }

    private let policy: CrossSitePolicy
    private let tokens: CrossSiteTokens?
    private let scope: Scope
    private let formField = "csrf_token"
    private let maximumFormBytes: Int

    /// - Parameters:
    ///   - tokens: nil where only the browser's word counts.
    ///   - origins: further origins of one's own, such as `https://app.example`; those that are none are left out.
    ///   - acceptsSameSite: whether sibling hosts' pages may send requests.
    ///   - acceptsPlainHTTP: whether pages over plain HTTP may, as with `HostCookie.plain`.
    ///   - maximumFormBytes: the longest form that is read for its token; a longer one without the header is answered 413.
    public init(
        tokens: CrossSiteTokens? = nil, origins: [String] = [], acceptsSameSite: Bool = false, acceptsPlainHTTP: Bool = false,
        scope: Scope = .sessions, maximumFormBytes: Int = 64 * 1024
    ) {
        policy = CrossSitePolicy(
            acceptsSameSite: acceptsSameSite, origins: Set(origins.compactMap { SiteOrigin($0) }), acceptsPlainHTTP: acceptsPlainHTTP)
        self.tokens = tokens
        self.scope = scope
        self.maximumFormBytes = maximumFormBytes
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard !CrossSitePolicy.isSafe(request.method), isConcerned(context.principal) else { return try await next(request, context) }
        switch policy.judge(request.headers, host: request.head.authority) {
        case .own: return try await next(request, context)
        case .foreign(let reason): throw try await refuse(.maliciousCORS, reason, context)
        case .undecided(let reason):
            guard let handle = context.principal?.cookieSession else {
                guard reason == "no_origin" else { throw try await refuse(.maliciousCORS, reason, context) }
                return try await next(request, context)
            }
            guard let tokens else { throw try await refuse(.maliciousCORS, reason, context) }
            var request = request
            guard let token = try await token(&request) else { throw try await refuse(.maliciousCORS, "missing_csrf_token", context) }
            guard tokens.isValid(token, for: handle) else { throw try await refuse(.maliciousCORS, "bad_csrf_token", context) }
            return try await next(request, context)
        }
    }

    private func isConcerned(_ principal: Principal?) -> Bool {
        guard let principal else { return scope.coversAnonymous }
        return principal.cookieSession != nil
    }

    /// The header's token, else the form's; the form is read and handed on.
    private func token(_ request: inout Request) async throws -> String? {
        let fields = request.headers[values: .csrfToken]
        if !fields.isEmpty { return fields.count == 1 ? fields[0] : "" }
        let type = request.headers[.contentType]?.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }.map { $0 | 0x20 } ?? []
        guard type.elementsEqual("application/x-www-form-urlencoded".utf8.map { $0 | 0x20 }) else { return nil }
        let body = try await request.collectBody(upTo: maximumFormBytes)
        return (try? FormFields(body.readableBytesView, maximumBytes: maximumFormBytes, maximumCount: 1024))?[formField]
    }

    private func refuse(_ type: EventType, _ reason: String, _ context: Context) async throws -> Problem {
        try await context.audit.emit(type, outcome: .denied, reason: reason, severity: .medium)
        return Problem(.forbidden, detail: "The request does not come from a page of this site.")
    }
}
