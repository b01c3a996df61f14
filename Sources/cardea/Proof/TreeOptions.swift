import ArgumentParser
import Compliance
import Configuration
import EventStore
import PostgreSQL
import ServiceLifecycle

/// What `up` and `worker` do with the trees of the shards that they hold.
struct TreeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Also write the logs as immutable files into this folder (C2SP tlog-tiles).", valueName: "folder"))
    var tiles: String?

    /// What hashes, signs and publishes while a worker runs, and verifies now and then.
    ///
    /// - `verify.intervalHours` (int, 24): how often the whole record is compared with its tree; 0: never
    func services(_ deployment: Deployment, _ pool: PostgresPool, worker: String) async throws -> [any Service] {
        let keys = try await LogKeys.ready(deployment, pool)
        let store = TreeStore(pool)
        var publishers: [TreeKeeper.Publisher] = []
        if let tiles {
            let folder = TileFolder(tiles, store)
            publishers.append(.init("tiles") { try await folder.publish($0) })
        }
        let hours = deployment.settings.reader.int(forKey: "verify.intervalHours", default: 24)
        guard (0...8760).contains(hours) else {
            throw Failure("verify.intervalHours is \(hours)", hint: "It goes from 0 to 8760.", status: 2)
        }
        let keeper = TreeKeeper(
            pool: pool, owner: worker, keys: keys.signers, kept: keys.kept, publishers: publishers, logger: deployment.logger)
        guard hours > 0 else { return [keeper] }
        return [
            keeper,
            VerificationTimer(
                pool: pool, owner: worker, keys: keys.signers.map(\.verifier), kept: keys.kept, interval: .seconds(3600 * hours),
                logger: deployment.logger),
        ]
    }

    /// For a worker that ends: the trees reach as far as the record.
    func bringUpToDate(_ deployment: Deployment, _ pool: PostgresPool) async throws {
        let shards = try await ProofDesk.bringUpToDate(deployment, pool)
        guard let tiles else { return }
        for shard in shards {
            guard let checkpoint = try await StoredCheckpoint.latest(shard, pool) else { continue }
            try await TileFolder(tiles, TreeStore(pool)).publish(checkpoint)
        }
    }
}
