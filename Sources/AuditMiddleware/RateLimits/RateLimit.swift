public import AuditEvents
public import Hummingbird
public import HummingbirdCore

/// Refuses, holds back or records a client's requests beyond a policy's quota, and says what is left in every response.
///
/// ```swift
/// router.add(middleware: RateLimit(.init(name: "general", limit: 300, windowSeconds: 60)))
/// let signedIn = router.group().add(middleware: authentication)
///     .add(middleware: RateLimit(.init(name: "account", limit: 1_000, windowSeconds: 3_600), key: .account, algorithm: .tokenBucket))
/// ```
///
/// Refused requests do not count. To judge several limits together, with lists before them and in one call to a shared store: `RateLimits`.
public struct RateLimit<Context: AuditedRequestContext>: RouterMiddleware {
    public let policy: RateLimitPolicy
    let limiter: Limiter<Context>
    let clock: AuditClock
    private let alone: [Limiter<Context>]
    /// How a request is held back.
    package var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// - Parameters:
    ///   - key: what is counted by.
    ///   - store: where; a shared one counts by its own clock, by the policy's name.
    ///   - mode: what becomes of requests beyond the limit.
    ///   - cost: what a request takes from the quota; 0 takes nothing, more than the quota is always refused.
    public init(
        _ policy: RateLimitPolicy, key: RateLimitKey<Context> = .client, algorithm: RateLimitAlgorithm = .slidingWindow,
        store: RateLimitStore = .memory, mode: RateLimitMode = .block, clock: AuditClock = .system,
        cost: @escaping @Sendable (Request, Context) -> Int = { _, _ in 1 }
    ) {
        self.policy = policy
        self.clock = clock
        limiter = Limiter(policy, key: key, algorithm: algorithm, store: store, mode: mode, cost: cost)
        alone = [limiter]
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await LimitGate(limiters: alone, clock: clock, pause: pause).pass(request, context)
        return try await next(request, context)
    }
}
