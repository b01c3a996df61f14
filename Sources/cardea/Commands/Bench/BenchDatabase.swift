import EventStore
import Glibc
import Logging
import PostgreSQL

/// A database of a benchmark's own on the deployment's server, with the schema in it, dropped afterwards.
struct BenchDatabase {
    let deployment: Deployment

    static func with<R: Sendable>(_ options: DatabaseOptions, shards: Int = 1, _ body: (BenchDatabase) async throws -> R) async throws -> R
    {
        let outer = try await Deployment.open(options, migrating: true)
        let name = "cardea_bench_\(getpid())_\(UInt32.random(in: .min ... .max))"
        let server = PostgresPool(outer.configuration(nil, connections: 1), logger: outer.logger)
        try await server.execute("create database \(identifier: name)")
        let url = PostgresConfiguration.replacingDatabase(in: outer.url, with: name)
        let deployment = Deployment(settings: outer.settings, logger: outer.logger, url: url, isPrivate: outer.isPrivate)
        let result: Result<R, any Error>
        do {
            _ = try await Migrator(deployment.configuration(nil), logger: outer.logger).migrate(shards: shards)
            result = .success(try await body(BenchDatabase(deployment: deployment)))
        } catch { result = .failure(error) }
        // Also when it was interrupted.
        try await Task {
            try await server.execute("drop database \(identifier: name) with (force)")
            await server.close()
        }.value
        return try result.get()
    }
}

/// A number with one decimal, without Foundation.
func decimal(_ value: Double, places: Int = 1) -> String {
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let fraction = String(scaled % Int(scale))
    let digits = places == 0 ? "" : "." + String(repeating: "0", count: places - fraction.count) + fraction
    return (value < 0 ? "-" : "") + String(scaled / Int(scale)) + digits
}

func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

/// The value at `q` of `values`, nearest rank.
func quantile(_ values: [Double], _ q: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))]
}
