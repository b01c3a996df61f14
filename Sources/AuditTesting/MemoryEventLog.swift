public import AuditEvents
import Synchronization

/// A record in memory, for tests of what stands on a store: the same promises, and no durability.
public final class MemoryEventLog: EventLog, EventSink {
    private struct Shard {
        var known: Set<EventID> = []
        var waiting: [EncodedEvent] = []
        var sealed: [SealedEvent] = []
    }

    private struct State {
        var tenants: [String: Int32] = [:]
        var shards: [Shard]
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Timestamp
    private let encoder = EventEncoder()

    /// - Parameter now: the clock that judges events' times and stamps seals.
    public init(shards: Int = 1, now: @escaping @Sendable () -> Timestamp = Timestamp.now) {
        state = Mutex(State(shards: Array(repeating: Shard(), count: max(1, shards))))
        self.now = now
    }

    public func record(_ event: AuditEvent, durability: EventDurability) async throws {
        _ = try await append([try encoder.encode(event, now: now())])
    }

    public func append(_ events: [EncodedEvent]) async throws -> Int {
        let limit = now().microseconds + EventEncoder.maximumAhead
        for event in events where event.header.time.microseconds > limit {
            throw SinkRefusal.invalid(reason: "its time \(event.header.time) is more than 10 minutes ahead")
        }
        return state.withLock { state in
            var stored = 0
            for event in events {
                let shard = Int(Self.shard(of: event.header.tenant, &state))
                guard state.shards[shard].known.insert(event.header.id).inserted else { continue }
                state.shards[shard].waiting.append(event)
                stored += 1
            }
            return stored
        }
    }

    public func shard(of tenant: String) async throws -> Int32 { state.withLock { Self.shard(of: tenant, &$0) } }

    /// Adds shards; tenants stay where they are.
    public func grow(to count: Int) {
        state.withLock { state in
            while state.shards.count < count { state.shards.append(Shard()) }
        }
    }

    public func seal(_ shard: Int32) async throws -> Int {
        let now = now()
        return try state.withLock { state in
            let position = try Self.position(shard, state)
            let waiting = state.shards[position].waiting
            state.shards[position].waiting = []
            let at = max(state.shards[position].sealed.last?.sealedAt ?? now, now)
            for event in waiting {
                let body = (try? JSONValue(parsing: event.body).object).flatMap { try? EventBody(json: $0) } ?? EventBody()
                state.shards[position].sealed.append(
                    SealedEvent(
                        shard: shard, index: Int64(state.shards[position].sealed.count), sealedAt: at,
                        event: AuditEvent(header: event.header, body: body)))
            }
            return waiting.count
        }
    }

    public func read(shard: Int32, from: Int64, limit: Int) async throws -> [SealedEvent] {
        try state.withLock { state in
            Array(state.shards[try Self.position(shard, state)].sealed.dropFirst(Int(max(0, from))).prefix(max(0, limit)))
        }
    }

    public func nextIndex(shard: Int32) async throws -> Int64 {
        try state.withLock { state in Int64(state.shards[try Self.position(shard, state)].sealed.count) }
    }

    public func shards() async throws -> [Int32] { state.withLock { Array(0..<Int32($0.shards.count)) } }

    private static func position(_ shard: Int32, _ state: State) throws -> Int {
        guard state.shards.indices.contains(Int(shard)) else { throw SinkRefusal.invalid(reason: "there is no shard \(shard)") }
        return Int(shard)
    }

    private static func shard(of tenant: String, _ state: inout State) -> Int32 {
        if let shard = state.tenants[tenant] { return shard }
        // FNV-1a: the same in every run, unlike Swift's own hashes.
        let hash = tenant.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let shard = Int32(hash % UInt64(state.shards.count))
        state.tenants[tenant] = shard
        return shard
    }
}
