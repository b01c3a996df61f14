/// Where events go: the buffer of a store, a test's memory.
public protocol EventSink: Sendable {
    /// Takes one event for the record.
    ///
    /// Returns when the event is in a bounded buffer that will commit or spool it; at `durability: .durable` only when it is committed or fsynced.
    /// - Throws: `SinkRefusal` when buffer and spool are full (under the policy `refuse`) or the sink is shut.
    func record(_ event: AuditEvent, durability: EventDurability) async throws
}

extension EventSink {
    /// Takes one event for the record, buffered.
    public func record(_ event: AuditEvent) async throws { try await record(event, durability: .buffered) }
}

/// What `EventSink.record` waits for.
public enum EventDurability: Sendable, Hashable {
    /// For a place in the buffer.
    case buffered
    /// For the commit, or for the fsync of the spool while the database is away.
    case durable
}

/// Why a sink did not take an event. The caller should answer 503 with `Retry-After`, never drop the event and go on as if nothing were.
public enum SinkRefusal: Error, Sendable, Hashable {
    /// Buffer and spool are full.
    case full
    /// The sink was shut down.
    case closed
    /// The event itself cannot be stored; `reason` says why (a time more than 10 minutes ahead, an empty tenant).
    case invalid(reason: String)
}
