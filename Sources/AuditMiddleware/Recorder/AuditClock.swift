public import AuditEvents
import Glibc

/// The two clocks of a request: when it is, and how long something took.
public struct AuditClock: Sendable {
    /// The wall clock.
    public var now: @Sendable () -> Timestamp
    /// Microseconds of a clock that never goes back, from an arbitrary start.
    public var monotonicMicroseconds: @Sendable () -> Int64

    public init(now: @escaping @Sendable () -> Timestamp, monotonicMicroseconds: @escaping @Sendable () -> Int64) {
        self.now = now
        self.monotonicMicroseconds = monotonicMicroseconds
    }

    /// The machine's clocks.
    public static let system = AuditClock(
        now: { Timestamp(microseconds: microseconds(of: CLOCK_REALTIME)) }, monotonicMicroseconds: { microseconds(of: CLOCK_MONOTONIC) })

    private static func microseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
