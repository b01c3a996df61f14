import AuditEvents
import Synchronization

/// What one recorder has done since it was made: its heartbeats tell, so that events which are missing from the record are seen to be missing.
final class EmissionCounts: Sendable {
    /// Requests that came, refused ones included.
    let requests = Atomic<Int64>(0)
    /// Events that the sink took.
    let events = Atomic<Int64>(0)
    /// Plain successes left out by sampling.
    let sampledOut = Atomic<Int64>(0)
    /// Requests answered 503 because they could not have been recorded.
    let refused = Atomic<Int64>(0)
    /// Events that the sink did not take after the request had been answered.
    let lost = Atomic<Int64>(0)

    var json: JSONObject {
        [
            "requests": .int(requests.load(ordering: .relaxed)), "events": .int(events.load(ordering: .relaxed)),
            "sampled_out": .int(sampledOut.load(ordering: .relaxed)), "refused": .int(refused.load(ordering: .relaxed)),
            "lost": .int(lost.load(ordering: .relaxed)),
        ]
    }
}
