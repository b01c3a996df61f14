import Glibc

/// What `body` costs this thread in processor time, which a busy machine does not lengthen: a guard against cost that grows with the square.
func processorTime<R>(_ body: () throws -> R) rethrows -> (result: R, cost: Duration) {
    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let started = now()
    let result = try body()
    return (result, now() - started)
}
