import AuditEvents
import AuditMiddleware
import Synchronization

/// A clock that stands still until it is moved.
final class TestClock: Sendable {
    private let microseconds = Mutex<Int64>(1_800_000_000_000_000)

    func advance(seconds: Double) { microseconds.withLock { $0 += Int64(seconds * 1_000_000) } }

    var now: Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }
    var clock: AuditClock { AuditClock(now: { self.now }, monotonicMicroseconds: { self.now.microseconds }) }
}
