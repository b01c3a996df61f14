public import AuditEvents

/// What every `EventLog` must do, as checks that any test framework can run.
public struct EventLogConformance: Sendable {
    /// One promise: throws `Failure` where a log does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (EventLogConformance) async throws -> Void
    }

    /// A promise that was not kept.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    let log: any EventLog
    let encoder = EventEncoder()

    public init(_ log: any EventLog) { self.log = log }

    /// Every check; each makes tenants of its own, so that they may share a log and run in any order.
    public static let checks: [Check] = [
        Check(description: "an event appended twice is stored once") { try await $0.storesOnce() },
        Check(description: "an event twice in one batch is stored once") { try await $0.storesOnceWithinABatch() },
        Check(description: "the index is contiguous and starts where the last seal ended") { try await $0.indexIsContiguous() },
        Check(description: "what was read once reads the same for ever") { try await $0.indexIsImmutable() },
        Check(description: "an event has no index before it is sealed") { try await $0.nothingBeforeTheSeal() },
        Check(description: "sealing again gives nothing new") { try await $0.idleSeal() },
        Check(description: "reading by ranges gives the same as reading at once") { try await $0.readsByRanges() },
        Check(description: "reading behind the end gives nothing") { try await $0.readsBehindTheEnd() },
        Check(description: "sealed_at never decreases along the index") { try await $0.sealTimesAreMonotone() },
        Check(description: "a tenant keeps its shard, and its events lie there alone") { try await $0.tenantsKeepTheirShard() },
        Check(description: "header and body come back as they were recorded") { try await $0.roundTrip() },
        Check(description: "a secret never comes back") { try await $0.secretsStayOut() },
        Check(description: "an oversized body is cut, with a mark") { try await $0.oversizedBodiesAreCut() },
        Check(description: "a time more than 10 minutes ahead is refused, and nothing stored") { try await $0.futureIsRefused() },
        Check(description: "old times are stored as they are, in the order of sealing") { try await $0.oldTimes() },
        Check(description: "batches appended at once are all there, once") { try await $0.concurrentBatches() },
        Check(description: "an empty batch stores nothing") { try await $0.emptyBatch() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Failure(description: message()) }
    }

    /// Events of a tenant that nobody else uses, a microsecond apart, ending a second ago.
    func events(_ count: Int, tenant: String, body: EventBody = EventBody()) throws -> [EncodedEvent] {
        let start = Timestamp.now().microseconds - 1_000_000 - Int64(count)
        return try (0..<count).map { number in
            try encode(
                AuditEvent(
                    header: EventHeader(
                        id: EventID(time: Timestamp(microseconds: start + Int64(number))), tenant: tenant, source: "conformance",
                        type: .loginFailure, outcome: .denied), body: body))
        }
    }

    func encode(_ event: AuditEvent) throws -> EncodedEvent { try encoder.encode(event, now: .now()) }

    func tenant(_ name: String = #function) -> String { "\(name.prefix { $0 != "(" })-\(UInt64.random(in: 0..<(1 << 48)))" }

    /// The sealed events of a tenant, from `from` on.
    func sealed(_ tenant: String, from: Int64 = 0) async throws -> [SealedEvent] {
        let shard = try await log.shard(of: tenant)
        var found: [SealedEvent] = []
        var next = from
        while true {
            let page = try await log.read(shard: shard, from: next, limit: 1000)
            guard let last = page.last else { return found }
            found += page.filter { $0.event.header.tenant == tenant }
            next = last.index + 1
        }
    }
}
