import ArgumentParser
import EventStore
import Hummingbird
import Logging
import NIOCore
import PostgreSQL
import ServiceLifecycle
import TransparencyLog
import UnixSignals

struct TilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiles", abstract: "The logs as immutable files, and over HTTP (C2SP tlog-tiles).",
        discussion: """
            For each shard: SHARD/checkpoint, SHARD/tile/LEVEL/…, SHARD/tile/entries/…. Headers and hashes only, no personal data. `cardea up --tiles \
            FOLDER` and `worker --tiles FOLDER` keep a folder up to date.
            """,
        subcommands: [Write.self, Serve.self])

    struct Write: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Bring a folder up to the newest checkpoints.")
        @Argument(help: "The folder.") var folder: String
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.worker, connections: 2) { pool in
                let shards = try await ProofDesk.bringUpToDate(deployment, pool, by: person.name)
                let store = TreeStore(pool)
                for shard in shards {
                    guard let checkpoint = try await StoredCheckpoint.latest(shard, pool) else { continue }
                    try await TileFolder(folder, store).publish(checkpoint)
                    StandardError.write("cardea: \(folder)/\(shard): \(checkpoint.checkpoint.size) leaves\n")
                }
            }
        }
    }

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Serve the logs read-only from the database.")
        @Option(help: "The port; 0 takes a free one.") var port = 8081
        @Option(help: "The address to listen on.") var host = "127.0.0.1"
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            if !(0...65535).contains(port) { throw ValidationError("--port goes from 0 to 65535.") }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.reader, connections: 4) { pool in
                let host = host
                let application = Application(
                    router: TileRoutes(TreeStore(pool)).router(), configuration: .init(address: .hostname(host, port: port)),
                    onServerRunning: { channel in
                        StandardError.write("cardea: the logs on http://\(host):\(channel.localAddress?.port ?? 0)/SHARD/checkpoint\n")
                    }, logger: deployment.logger)
                try await ServiceGroup(
                    configuration: .init(
                        services: [.init(service: application)], gracefulShutdownSignals: [.sigterm, .sigint], logger: deployment.logger)
                ).run()
            }
        }
    }
}

/// The read-only routes of a log.
struct TileRoutes: Sendable {
    let store: TreeStore

    init(_ store: TreeStore) { self.store = store }

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get(":shard/checkpoint") { _, context in
            guard let shard = context.parameters.get("shard", as: Int32.self),
                let stored = try await StoredCheckpoint.latest(shard, store.pool)
            else { throw HTTPError(.notFound) }
            return TileRoutes.response(stored.note.bytes, type: "text/plain; charset=utf-8", caching: "no-cache")
        }
        router.get(":shard/tile/**") { request, context in
            guard let shard = context.parameters.get("shard", as: Int32.self) else { throw HTTPError(.notFound) }
            let path = "tile/" + context.parameters.getCatchAll().joined(separator: "/")
            guard let tile = Tile(path: path), let bytes = try await store.bytes(of: tile, shard: shard) else { throw HTTPError(.notFound) }
            return TileRoutes.response(bytes, type: "application/octet-stream", caching: "public, max-age=31536000, immutable")
        }
        return router
    }

    private static func response(_ bytes: [UInt8], type: String, caching: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: caching, .contentLength: String(bytes.count)],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
