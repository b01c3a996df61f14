import AuditEvents
import Logging
public import ServiceLifecycle

/// Says at intervals that a recorder is there and what it has counted: `sys_startup` first, `audit_heartbeat` then, `sys_shutdown` at the end.
///
/// `details` has `instance` (random, one a process), `sequence` (0, 1, 2 …), `interval_seconds`, and the counts since the start, taken before the
/// event itself: `requests`, `events`, `sampled_out`, `refused`, `lost`. A sequence with a hole, a heartbeat that does not come, and fewer events in
/// the record than `events` tell of a gap. Let it run between the store and the server: the last count is then that of everything.
public struct AuditHeartbeat: Service {
    private let trail: AuditTrail
    private let interval: Duration
    private let instance: String

    init(trail: AuditTrail, interval: Duration) {
        self.trail = trail
        self.interval = max(interval, .milliseconds(10))
        instance = RequestID.make()
    }

    public func run() async throws {
        await emit(.systemStartup, 0)
        let last = await cancelWhenGracefulShutdown { () -> Int64 in
            var sequence: Int64 = 1
            while (try? await Task.sleep(for: interval)) != nil {
                await emit(.auditHeartbeat, sequence)
                sequence += 1
            }
            return sequence
        }
        await emit(.systemShutdown, last)
    }

    private func emit(_ type: EventType, _ sequence: Int64) async {
        let configuration = trail.configuration
        var details = trail.counts.json
        details["instance"] = .string(instance)
        details["sequence"] = .int(sequence)
        details["interval_seconds"] = .int(max(1, interval.components.seconds))
        let event = AuditEvent(
            header: EventHeader(
                id: EventID(time: configuration.clock.now()), tenant: configuration.tenant, source: configuration.source, type: type,
                outcome: .success, actorKind: .system),
            body: EventBody(details: details))
        do { try await trail.record(event, durability: .buffered) } catch {
            // The next one shows by its sequence that this one is missing.
            trail.logger.warning("heartbeat not recorded", metadata: ["audit.sequence": "\(sequence)"])
        }
    }
}

extension AuditRecorder {
    /// A service that tells of this recorder, once at the start, then every `interval`, and at the end.
    public func heartbeat(every interval: Duration = .seconds(60)) -> AuditHeartbeat { AuditHeartbeat(trail: trail, interval: interval) }
}
