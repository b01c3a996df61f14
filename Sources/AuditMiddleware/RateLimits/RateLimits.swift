import AuditEvents
public import Hummingbird
public import HummingbirdCore

/// Who is let past all limits, who is let in nowhere, and then the limits, in this order.
///
/// The limits are judged together: a request that one of them refuses counts in none (those on different shared stores aside), and all that are
/// on one shared store cost one round trip. Limits in memory are asked first: what they refuse costs none.
public struct RateLimits<Context: AuditedRequestContext>: RouterMiddleware {
    private let safelist: [RequestRule<Context>]
    private let blocklist: [RequestRule<Context>]
    /// The limits' names, as they hold.
    let names: [String]
    private let gate: LimitGate<Context>?

    /// - Parameter limits: with names of their own; of two with one name the first alone holds.
    public init(safelist: [RequestRule<Context>] = [], blocklist: [RequestRule<Context>] = [], limits: [RateLimit<Context>]) {
        self.safelist = safelist
        self.blocklist = blocklist
        var names: Set<String> = []
        let distinct = limits.filter { names.insert($0.policy.name).inserted }
        self.names = distinct.map(\.policy.name)
        gate = distinct.first.map { LimitGate(limiters: distinct.map(\.limiter), clock: $0.clock, pause: $0.pause) }
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if let rule = safelist.first(where: { $0.matches(request, context) }) {
            context.audit.update { $0.details["safelisted"] = .string(rule.name) }
            return try await next(request, context)
        }
        if let rule = blocklist.first(where: { $0.matches(request, context) }) {
            try await context.audit.emit(.authorizationFailure, outcome: .denied, reason: "blocklisted", severity: .medium) {
                $0.details["rule"] = .string(rule.name)
            }
            throw Problem(.forbidden, detail: "Requests like this are not served.")
        }
        try await gate?.pass(request, context)
        return try await next(request, context)
    }
}

/// Requests that a list is about.
public struct RequestRule<Context: AuditedRequestContext>: Sendable {
    /// What events call it.
    public let name: String
    let matches: @Sendable (Request, Context) -> Bool

    /// Clients in some networks. One without an address is in none.
    public static func networks(_ name: String, _ networks: [NetworkRange]) -> Self {
        matching(name) { _, context in
            guard let client = context.audit.client else { return false }
            return networks.contains { $0.contains(client) }
        }
    }

    /// Whatever `matches` says. It is asked on every request: it must not wait.
    public static func matching(_ name: String, _ matches: @escaping @Sendable (Request, Context) -> Bool) -> Self {
        Self(name: RateLimitPolicy.token(name), matches: matches)
    }
}
