import AuditEvents
public import HTTPTypes
import Hummingbird
public import HummingbirdCore

/// What a limit counts by.
public struct RateLimitKey<Context: AuditedRequestContext>: Sendable {
    /// The kind that events name: `client`, `account`, `api_key`, `route`, or a custom one's name.
    public let name: String
    /// Nil: the limit does not concern the request.
    let subject: @Sendable (Request, Context) -> RateLimitSubject?

    /// The client: an IPv4 address or an IPv6 /64. All without an address (in process, over a Unix socket) are one.
    public static var client: Self { Self(name: "client") { _, context in RateLimitSubject(context.audit.client) } }

    /// The principal: add the limit after the authentication. Requests of nobody count by client.
    public static var account: Self {
        Self(name: "account") { _, context in
            context.principal.map { RateLimitSubject(kind: 2, $0.id.utf8) } ?? RateLimitSubject(context.audit.client)
        }
    }

    /// The value of a header that bears an API key; only its digest is kept. Requests without one count by client.
    ///
    /// Add the limit after the authentication that judges the key: of keys that nobody has checked a client makes up as many as it wants.
    public static func apiKey(_ header: HTTPField.Name) -> Self {
        Self(name: "api_key") { request, context in
            request.headers[header].map { RateLimitSubject(kind: 3, $0.utf8) } ?? RateLimitSubject(context.audit.client)
        }
    }

    /// The route's template, all clients together; what matched no route is one.
    public static var route: Self {
        Self(name: "route") { _, context in RateLimitSubject(kind: 4, (context.audit.route ?? "").utf8) }
    }

    /// What `value` says; requests for which it says nil are not limited.
    /// - Parameter name: the kind in events, as lower-case letters, digits and `_`.
    public static func custom(_ name: String, _ value: @escaping @Sendable (Request, Context) -> String?) -> Self {
        Self(name: RateLimitPolicy.token(name)) { request, context in
            value(request, context).map { RateLimitSubject(kind: 5, $0.utf8) }
        }
    }

    /// Both together: `.client.and(.route)` counts each client on each route.
    public func and(_ other: Self) -> Self {
        Self(name: "\(name)+\(other.name)") { request, context in
            guard let mine = subject(request, context), let others = other.subject(request, context) else { return nil }
            return RateLimitSubject([mine, others])
        }
    }
}
