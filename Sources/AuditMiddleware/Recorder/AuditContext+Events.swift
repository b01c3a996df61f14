public import AuditEvents
import HummingbirdCore
import Synchronization

/// Thrown where a layer emits an event of a request that no recorder is around: a way past the record must not go unnoticed.
public struct UnrecordedRequest: Error, CustomStringConvertible {
    public var description: String { "the router is not behind an AuditRecorder" }
}

extension AuditContext {
    /// Emits an event of this request: with its id, client, trace, actor, and what else is known so far.
    ///
    /// - Parameters:
    ///   - reason: a short code; it also becomes the reason of the request's own event unless the outcome is a success.
    ///   - adjust: changes the facts for this event alone.
    /// - Throws: `SinkRefusal`, which the request should end with (it becomes a 503); `UnrecordedRequest`.
    public func emit(
        _ type: EventType, outcome: Outcome, reason: String? = nil, severity: Severity = .informational,
        durability: EventDurability = .buffered,
        adjust: (inout AuditFacts) -> Void = { _ in }
    ) async throws {
        var state = withState { state in
            if outcome != .success, let reason { state.facts.reason = reason }
            state.emitted += 1
            return state
        }
        guard let trail = state.trail else { throw UnrecordedRequest() }
        state.facts.details = [:]
        adjust(&state.facts)
        var event = event(of: state, trail, type: type, outcome: outcome, severity: severity)
        event.header.reason = reason
        try await trail.record(event, durability: durability)
    }

    /// The request's own event; nil where it is sampled out, or no recorder is around.
    func requestEvent(_ ending: RequestEnding) -> AuditEvent? {
        let (status, bytes, outcome, reason): (Int?, Int?, Outcome, String?) =
            switch ending {
            case .response(let status, let bytes): (status, bytes, Outcome(httpStatus: status), nil)
            case .clientClosed: (nil, nil, .unknown, "client_closed")
            case .clientClosedWithin(let status, let bytes): (status, bytes, .unknown, "client_closed")
            case .cut(let status, let bytes): (status, bytes, .error, "response_cut")
            case .malformed: (400, nil, .failure, "malformed_request")
            }
        let severity: Severity =
            switch outcome {
            case .success, .unknown: .informational
            case .failure, .denied: .low
            case .error: .medium
            }
        return withState { state -> AuditEvent? in
            guard let trail = state.trail else { return nil }
            let sampling = state.sampling ?? trail.configuration.sampling
            if outcome == .success, state.emitted == 0, sampling.interval != 1 {
                guard sampling.interval > 0, Int.random(in: 0..<sampling.interval) == 0 else {
                    trail.counts.sampledOut.add(1, ordering: .relaxed)
                    return nil
                }
            }
            var event = event(of: state, trail, type: .httpRequest, outcome: outcome, severity: severity)
            event.header.reason = reason ?? (outcome == .success ? nil : state.facts.reason)
            event.header.status = status.map(Int16.init(truncatingIfNeeded:))
            event.header.durationMicroseconds = max(0, trail.configuration.clock.monotonicMicroseconds() - state.started)
            if let bytes { event.body.details["bytes"] = .int(Int64(bytes)) }
            if let headers = state.recordedHeaders { event.body.details["headers"] = .object(headers) }
            if let query = state.uri?.query, !query.isEmpty {
                event.body.details["query_keys"] = .array(RequestFacts.queryKeys(query).map { .string($0) })
            }
            if let received = state.requestBytes, received > 0 { event.body.details["request_bytes"] = .int(received) }
            if outcome == .success, state.emitted == 0, sampling.interval > 1 {
                event.body.details["sample_rate"] = .int(Int64(sampling.interval))
            }
            return event
        }
    }

    private func event(
        of state: borrowing State, _ trail: AuditTrail, type: EventType, outcome: Outcome, severity: Severity
    ) -> AuditEvent {
        let configuration = trail.configuration
        let route = route
        let client = state.client ?? peer
        // The time is that of the end: a stream of an hour would else come too late for every window.
        let header = EventHeader(
            id: EventID(time: configuration.clock.now()), tenant: configuration.tenant, source: configuration.source, type: type,
            outcome: outcome,
            severity: severity, actorKind: state.facts.actorKind, privileged: state.facts.privileged, sensitivity: state.facts.sensitivity,
            method: RequestFacts.method(state.method), route: route)
        let body = EventBody(
            actor: state.facts.actor, client: .init(ip: client?.description, port: client?.port, userAgent: state.userAgent),
            session: state.facts.session,
            token: state.facts.token, target: state.facts.target, requestID: state.requestID, traceID: state.trace?.traceID,
            spanID: state.trace?.parentID,
            path: state.uri.map { RequestFacts.path($0.path, route: route) }, details: state.facts.details)
        return AuditEvent(header: header, body: body)
    }
}
