import AuditEvents
import Glibc

func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

func canonical(_ value: JSONValue) -> String { String(decoding: CanonicalJSON.encode(value), as: UTF8.self) }

/// The processor time that `body` takes on this thread: the same however busy the machine is.
func processorTime(_ body: () throws -> Void) rethrows -> Duration {
    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let started = now()
    try body()
    return now() - started
}
