public import AuditEvents
import CoreMetrics
public import Logging
import Metrics
import Synchronization

/// A store of counts that instances share, asked with patience that ends.
///
/// Limits on the same `SharedRateLimits` that are judged together cost one call.
public final class SharedRateLimits: Sendable {
    /// Resumes once, whoever comes first.
    private final class Race: Sendable {
        private let waiter: Mutex<CheckedContinuation<[RateLimitDecision]?, Never>?>
        init(_ waiter: CheckedContinuation<[RateLimitDecision]?, Never>) { self.waiter = Mutex(waiter) }
        func claim() -> CheckedContinuation<[RateLimitDecision]?, Never>? { waiter.withLock { $0.take() } }
    }

    private let store: any RateLimitStoring
    private let timeout: Duration
    private let clock: AuditClock
    private let logger: Logger
    private let availability: Mutex<StoreAvailability>
    /// Calls that were not answered in time, or not at all.
    private let unanswered = Counter(label: "audit.rate_limit.store_unanswered")

    /// - Parameters:
    ///   - timeout: how long one request waits for the store.
    ///   - coolOff: how long nobody asks a store that did not answer.
    ///   - capacity: the calls under way at most; beyond it the store counts as away.
    public init(
        _ store: any RateLimitStoring, logger: Logger, timeout: Duration = .milliseconds(250), coolOff: Duration = .seconds(1),
        capacity: Int = 512, clock: AuditClock = .system
    ) {
        self.store = store
        self.logger = logger
        self.timeout = timeout
        self.clock = clock
        availability = Mutex(StoreAvailability(coolOff: coolOff.microseconds, capacity: capacity))
    }

    /// The store's decisions; nil where it is away.
    func take(_ demands: [RateLimitDemand]) async -> [RateLimitDecision]? {
        let now = clock.monotonicMicroseconds()
        guard availability.withLock({ $0.ask(at: now) }) else { return nil }
        // Neither task is the request's child: a store that does not even notice a cancellation must not hold it.
        var tasks: [Task<Void, Never>] = []
        let result = await withCheckedContinuation { waiter in
            let race = Race(waiter)
            tasks = [
                Task {
                    do {
                        let decisions = try await store.take(demands)
                        settle(race, decisions.count == demands.count ? decisions : nil, "wrong number of answers")
                    } catch {
                        settle(race, nil, "\(error)")
                    }
                    availability.withLock { $0.ended() }
                },
                Task {
                    // Where the sleep is cut short the answer is there.
                    if (try? await Task.sleep(for: timeout)) != nil { settle(race, nil, "timeout") }
                },
            ]
        }
        for task in tasks { task.cancel() }
        return result
    }

    private func settle(_ race: Race, _ decisions: [RateLimitDecision]?, _ reason: @autoclosure () -> String) {
        guard let waiter = race.claim() else { return }
        defer { waiter.resume(returning: decisions) }
        if decisions != nil {
            if availability.withLock({ $0.answered() }) { logger.notice("the shared rate limits are back") }
        } else {
            unanswered.increment()
            let now = clock.monotonicMicroseconds()
            if availability.withLock({ $0.failed(at: now) }) {
                logger.warning("the shared rate limits are away", metadata: ["error": "\(reason())"])
            }
        }
    }
}
