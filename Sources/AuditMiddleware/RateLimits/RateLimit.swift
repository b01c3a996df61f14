import AuditEvents
import CoreMetrics
import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import Metrics
import Synchronization

/// Refuses a client's requests beyond a policy's quota with 429, and says what is left in every response.
///
/// A client is an IPv4 address or an IPv6 /64; all clients without an address (in process, over a Unix socket) are one. The count is this
/// process's own.
public struct RateLimit<Context: AuditedRequestContext>: RouterMiddleware {
    private final class Counts: Sendable {
        let window: Mutex<SlidingWindow<ClientAddress?>>
        let evicted: Counter
        init(_ policy: RateLimitPolicy) {
            window = Mutex(SlidingWindow(limit: policy.limit, window: Int64(policy.windowSeconds) * 1_000_000, capacity: policy.capacity))
            evicted = Counter(label: "audit.rate_limit.evicted", dimensions: [("policy", policy.name)])
        }
    }

    public let policy: RateLimitPolicy
    private let clock: AuditClock
    private let counts: Counts
    private let policyField: String

    public init(_ policy: RateLimitPolicy, clock: AuditClock = .system) {
        self.policy = policy
        self.clock = clock
        counts = Counts(policy)
        policyField = "\"\(policy.name)\";q=\(policy.limit);w=\(policy.windowSeconds)"
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let now = clock.monotonicMicroseconds()
        let (decision, evicted) = counts.window.withLock { window in
            let before = window.evictedLive
            return (window.take(context.audit.client?.network, at: now), window.evictedLive - before)
        }
        if evicted > 0 { counts.evicted.increment(by: Int64(evicted)) }
        context.audit.addResponseField(.rateLimitPolicy, policyField)
        context.audit.addResponseField(.rateLimit, "\"\(policy.name)\";r=\(decision.remaining);t=\(Self.seconds(decision.reset))")
        guard !decision.allowed else { return try await next(request, context) }

        try await context.audit.emit(.rateLimitExceeded, outcome: .denied, reason: policy.name, severity: .low) {
            $0.details["policy"] = .string(policy.name)
            $0.details["quota"] = .int(Int64(policy.limit))
            $0.details["window_seconds"] = .int(Int64(policy.windowSeconds))
        }
        throw Problem(
            .tooManyRequests, type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
            title: "Request cannot be satisfied as assigned quota has been exceeded",
            headers: [.retryAfter: String(max(1, Self.seconds(decision.retryAfter ?? decision.reset)))],
            members: ["violated-policies": [.string(policy.name)]])
    }

    /// Whole seconds, rounded up: a client that waits them out is let in.
    private static func seconds(_ microseconds: Int64) -> Int64 { (microseconds + 999_999) / 1_000_000 }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit") ?? .userAgent
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy") ?? .userAgent
}
