public import AuditEvents
import Synchronization

/// A sink for tests of middleware: keeps events just as they came, unredacted, so that a leak shows; can be told to be full, and waited on.
public final class MemorySink: AdmittingSink {
    private struct State {
        var events: [AuditEvent] = []
        var refusesAdmission = false
        var refusesRecords = false
        var waiters: [(condition: @Sendable ([AuditEvent]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    public init() {}

    /// In the order in which they came.
    public var events: [AuditEvent] { state.withLock { $0.events } }
    /// Whether `admit` refuses.
    public var refusesAdmission: Bool {
        get { state.withLock { $0.refusesAdmission } }
        set { state.withLock { $0.refusesAdmission = newValue } }
    }
    /// Whether `record` refuses.
    public var refusesRecords: Bool {
        get { state.withLock { $0.refusesRecords } }
        set { state.withLock { $0.refusesRecords = newValue } }
    }

    /// Those of one type.
    public func events(_ type: EventType) -> [AuditEvent] { events.filter { $0.header.type == type } }
    /// The plain requests.
    public var requests: [AuditEvent] { events(.httpRequest) }

    public func admit() throws(SinkRefusal) { if refusesAdmission { throw .full } }

    public func record(_ event: AuditEvent, durability: EventDurability) async throws {
        if refusesRecords { throw SinkRefusal.full }
        let ready = state.withLock { state in
            state.events.append(event)
            let events = state.events
            let ready = state.waiters.filter { $0.condition(events) }
            state.waiters.removeAll { $0.condition(events) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns once the events satisfy `condition`.
    public func wait(until condition: @escaping @Sendable ([AuditEvent]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state in
                if condition(state.events) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if now { continuation.resume() }
        }
    }

    /// The text of every event, to look for what must not be there.
    public var text: String { events.map { "\($0.header.json)\($0.body.json)" }.joined(separator: "\n") }
}
