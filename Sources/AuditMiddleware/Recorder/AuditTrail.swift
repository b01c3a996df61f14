package import AuditEvents
import Logging
import Metrics
import Synchronization

/// Where the events of one recorder go and what they have in common.
package final class AuditTrail: Sendable {
    package let sink: any EventSink
    let admission: (any AdmittingSink)?
    package let configuration: AuditRecorder.Configuration
    let logger: Logger
    let counts = EmissionCounts()
    /// Requests answered 503 because they could not have been recorded.
    private let refusedRequests = Counter(label: "audit.requests.refused")
    /// Events of requests already answered that the sink did not take. Anything but 0 is a gap.
    private let lostEvents = Counter(label: "audit.events.lost")

    init(sink: any EventSink, configuration: AuditRecorder.Configuration, logger: Logger) {
        self.sink = sink
        self.admission = sink as? any AdmittingSink
        self.configuration = configuration
        self.logger = logger
    }

    /// Hands an event to the sink, also when the request's task was cancelled: that the client left is no reason to forget what it did.
    func record(_ event: AuditEvent, durability: EventDurability) async throws {
        if Task.isCancelled {
            try await Task { try await self.sink.record(event, durability: durability) }.value
        } else {
            try await sink.record(event, durability: durability)
        }
        counts.events.add(1, ordering: .relaxed)
    }

    func refusedRequest() {
        counts.refused.add(1, ordering: .relaxed)
        refusedRequests.increment()
    }

    func lostEvent() {
        counts.lost.add(1, ordering: .relaxed)
        lostEvents.increment()
    }
}
