import AuditEvents
import CoreMetrics
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Metrics
import Synchronization

/// One limit at work: its terms, its counts in this process, and what it tells clients.
final class Limiter<Context: AuditedRequestContext>: Sendable {
    let policy: RateLimitPolicy
    let key: RateLimitKey<Context>
    let terms: RateLimitTerms
    let store: RateLimitStore
    let mode: RateLimitMode
    let cost: @Sendable (Request, Context) -> Int
    private let table: Mutex<LimitTable<RateLimitSubject>>
    private let evicted: Counter
    /// How many requests are held back.
    private let waiting = Mutex(0)
    private let policyField: HTTPField
    private let fieldStart: [UInt8]

    init(
        _ policy: RateLimitPolicy, key: RateLimitKey<Context>, algorithm: RateLimitAlgorithm, store: RateLimitStore, mode: RateLimitMode,
        cost: @escaping @Sendable (Request, Context) -> Int
    ) {
        (self.policy, self.key, self.store, self.mode, self.cost) = (policy, key, store, mode, cost)
        terms = RateLimitTerms(algorithm: algorithm, limit: policy.limit, window: Int64(policy.windowSeconds) * 1_000_000)
        table = Mutex(LimitTable(terms, capacity: policy.capacity))
        evicted = Counter(label: "audit.rate_limit.evicted", dimensions: [("policy", policy.name)])
        policyField = HTTPField(name: .rateLimitPolicy, value: "\"\(policy.name)\";q=\(terms.limit);w=\(policy.windowSeconds)")
        fieldStart = Array("\"\(policy.name)\";r=".utf8)
    }

    var isEnforced: Bool { mode != .record }

    func take(_ subject: RateLimitSubject, at time: Int64, cost: Int) -> RateLimitDecision {
        let (decision, evicted) = table.withLock { table in
            let before = table.evictedLive
            return (table.take(subject, at: time, cost: cost), table.evictedLive - before)
        }
        if evicted > 0 { self.evicted.increment(by: Int64(evicted)) }
        return decision
    }

    func refund(_ subject: RateLimitSubject, at time: Int64, cost: Int) {
        table.withLock { $0.refund(subject, at: time, cost: cost) }
    }

    func demand(_ subject: RateLimitSubject, cost: Int) -> RateLimitDemand {
        RateLimitDemand(policy: policy.name, subject: subject.bytes, terms: terms, cost: cost, isEnforced: isEnforced)
    }

    /// Whether one more may wait; every yes is followed by `stopWaiting`.
    func startWaiting() -> Bool {
        waiting.withLock { waiting in
            guard waiting < mode.places else { return false }
            waiting += 1
            return true
        }
    }

    func stopWaiting() { waiting.withLock { $0 -= 1 } }

    /// Puts the two fields of draft-ietf-httpapi-ratelimit-headers into the response. What is only recorded is nobody's to know.
    func tell(_ decision: RateLimitDecision, _ audit: AuditContext) {
        guard isEnforced else { return }
        audit.addResponseFields(policyField, HTTPField(name: .rateLimit, value: field(decision)))
    }

    /// `"name";r=…;t=…`, in one allocation.
    private func field(_ decision: RateLimitDecision) -> String {
        String(unsafeUninitializedCapacity: fieldStart.count + 44) { buffer in
            var count = 0
            func put(_ bytes: some Sequence<UInt8>) {
                for byte in bytes {
                    buffer[count] = byte
                    count += 1
                }
            }
            func put(number: Int64) {
                let start = count
                var rest = number
                repeat {
                    buffer[count] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                    count += 1
                    rest /= 10
                } while rest > 0
                buffer[start..<count].reverse()
            }
            put(fieldStart)
            put(number: Int64(max(0, decision.remaining)))
            put(";t=".utf8)
            put(number: Self.seconds(decision.reset))
            return count
        }
    }

    /// Whole seconds, rounded up: a client that waits them out is let in.
    static func seconds(_ microseconds: Int64) -> Int64 { max(0, microseconds + 999_999) / 1_000_000 }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit") ?? .userAgent
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy") ?? .userAgent
}
