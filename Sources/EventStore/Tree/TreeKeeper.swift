public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle
public import TransparencyLog

/// Hashes what is sealed in the shards that a worker holds, and signs a checkpoint of each every second while events come: beside the way of an
/// event, never in it.
public struct TreeKeeper: Service {
    /// What is done with each new checkpoint: tiles written to a folder, witnesses asked. Failing, it is tried again with the next look.
    public struct Publisher: Sendable {
        let name: String
        let publish: @Sendable (StoredCheckpoint) async throws -> Void
        public init(_ name: String, _ publish: @escaping @Sendable (StoredCheckpoint) async throws -> Void) {
            (self.name, self.publish) = (name, publish)
        }
    }

    private struct ShardState {
        /// Nil until it was read, and again after a failure, for nobody knows then what was committed.
        var edge: TileEdge?
        var signedAt: ContinuousClock.Instant?
        var signed: StoredCheckpoint?
        var published: Set<String> = []
        var retryAt: ContinuousClock.Instant?
        var delay = Duration.seconds(1)
    }

    let store: TreeStore
    let owner: String
    let keys: [NoteSigner]
    let kept: KeptCheckpoints
    let publishers: [Publisher]
    let logger: Logger
    private let hashed = Counter(label: "cardea.tree.leaves")
    private let signatures = Counter(label: "cardea.tree.checkpoints")

    public static let checkpointInterval = Duration.seconds(1)

    /// - Parameters:
    ///   - pool: connections of the role `cardea_worker`.
    ///   - owner: the worker whose shards these are.
    ///   - keys: none: trees grow, and somebody else signs.
    ///   - kept: where what is signed is remembered.
    public init(pool: PostgresPool, owner: String, keys: [NoteSigner], kept: KeptCheckpoints, publishers: [Publisher] = [], logger: Logger)
    {
        store = TreeStore(pool)
        (self.owner, self.keys, self.kept, self.publishers, self.logger) = (owner, keys, kept, publishers, logger)
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var states: [Int32: ShardState] = [:]
            var signer: CheckpointSigner?
            while !Task.isCancelled {
                do {
                    if signer == nil, !keys.isEmpty {
                        signer = CheckpointSigner(store, name: try await store.name(), keys: keys, kept: kept)
                    }
                    let heads = try await held()
                    states = states.filter { heads[$0.key] != nil }
                    for (shard, next) in heads.sorted(by: { $0.key < $1.key }) {
                        await look(after: shard, next: next, signer, &states[shard, default: ShardState()])
                    }
                } catch {
                    if !Task.isCancelled { logger.debug("The trees could not be looked after", metadata: ["error": "\(error)"]) }
                }
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// By shard that the worker holds, its next index.
    private func held() async throws -> [Int32: UInt64] {
        let rows = try await store.pool.query(
            """
            select h.shard, h.next_index from audit.lease l join audit.head h on h.shard = l.shard
            where l.owner = \(owner) and l.expires_at > clock_timestamp()
            """)
        return try Dictionary(uniqueKeysWithValues: rows.map { try ($0.decode(0, as: Int32.self), UInt64($0.decode(1, as: Int64.self))) })
    }

    private func look(after shard: Int32, next: UInt64, _ signer: CheckpointSigner?, _ state: inout ShardState) async {
        if let retry = state.retryAt, retry > .now { return }
        do {
            var edge: TileEdge
            if let known = state.edge {
                edge = known
            } else {
                try await signer?.check(shard)
                edge = try await store.edge(shard)
            }
            while edge.size < next, !Task.isCancelled {
                // Another worker, whose lease has run out, may have been faster.
                let grown = if let grown = try await store.extend(shard, edge) { grown } else { try await store.edge(shard) }
                hashed.increment(by: Int(clamping: grown.size &- edge.size))
                edge = grown
            }
            state.edge = edge
            if let signer, edge.size > state.signed?.checkpoint.size ?? 0,
                state.signedAt.map({ $0 + TreeKeeper.checkpointInterval <= .now }) ?? true
            {
                state.signed = try await signer.sign(shard, edge)
                (state.signedAt, state.published) = (.now, [])
                signatures.increment()
            }
            if let checkpoint = state.signed {
                for publisher in publishers where !state.published.contains(publisher.name) {
                    try await publisher.publish(checkpoint)
                    state.published.insert(publisher.name)
                }
            }
            (state.retryAt, state.delay) = (nil, .seconds(1))
        } catch {
            if Task.isCancelled { return }
            logger.error("The tree could not be carried on", metadata: ["shard": "\(shard)", "error": "\(error)"])
            (state.edge, state.retryAt, state.delay) = (nil, .now + state.delay, min(state.delay * 2, .seconds(60)))
        }
    }
}
