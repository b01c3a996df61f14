import AuditEvents
import DatabaseTesting
import EventStore
import PostgreSQL
import ServiceLifecycle
import Testing

@testable import Alerting
@testable import Detection

extension AlertBed {
    /// Receivers as a file says them; `PORT` is the server's.
    static func settings(_ yaml: String, port: Int = 1) throws -> DeliverySettings {
        let text = yaml.replacing("PORT", with: String(port))
        return try DeliverySettings(Array(text.utf8), file: "receivers.yml", variable: { _ in nil }, contents: { _ in nil })
    }

    /// A webhook of this name under a path of this name.
    static func hooks(_ names: String..., port: Int) throws -> DeliverySettings {
        try settings(
            "receivers:\n"
                + names.map { "    \($0): {type: webhook, url: 'http://127.0.0.1:PORT/\($0)', allow_private: true}\n" }.joined(), port: port
        )
    }

    /// Routes everything that there is to tell.
    func route(_ settings: DeliverySettings, inhibitions: [Inhibition] = []) async throws {
        var count = 1
        while count > 0 {
            count = try await worker.withTransaction { connection in
                try await DeliveryStore().route(settings, inhibitions, connection)
            }
        }
    }

    /// Runs a dispatcher for the time of `body`, then ends it as a process that is told to end does.
    func dispatching<R>(_ settings: DeliverySettings, _ body: () async throws -> R) async throws -> R {
        let pool = database.pool(role: "cardea_worker")
        let dispatcher = Dispatcher(pool: pool, settings: DeliveryAtWork(settings), inhibitions: [], logger: .quiet)
        let task = Task { try await dispatcher.run() }
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        task.cancel()
        _ = try? await task.value
        await pool.close()
        return try result.get()
    }

    func deliveries(_ receiver: String? = nil) async throws -> [Delivery] {
        try await responder.withConnection { try await DeliveryStore().list(receiver: receiver, limit: nil, $0) }.reversed()
    }

    /// Who was to be told what, oldest first: `hook firing`.
    func plan() async throws -> [String] { try await deliveries().map { "\($0.receiver) \($0.kind)" } }

    /// As the database's administrator: what no role may.
    func force(_ statement: String) async throws {
        let pool = database.pool(role: nil)
        try await pool.execute(SQL(statement))
        await pool.close()
    }

    func count(_ table: String) async throws -> Int64 {
        try await worker.query("select count(*) as count from \(unsafe: table)")[0].decode("count", as: Int64.self)
    }

    /// What the record holds of a kind.
    func types(_ pattern: String) async throws -> [String] {
        try await worker.query("select type from audit.event where type like \(pattern) order by id", as: String.self)
    }
}
