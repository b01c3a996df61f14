import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the newest events, and with -f those that come.",
        discussion: "Follows the order of the record: an event shows as soon as it has its index, and none is left out.")

    @Flag(name: [.short, .long], help: "Go on with what comes, until interrupted.") var follow = false
    @Option(name: [.customShort("n"), .long], help: "How many of the newest events to begin with.") var lines: Int = 10
    @OptionGroup var filters: FilterOptions
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (0...100_000).contains(lines) else { throw ValidationError("-n goes from 0 to 100000.") }
        _ = try filters.filter(now: .now())
    }

    func run() async throws {
        let query = EventQuery(try filters.filter(now: .now()))
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.reader, connections: 1) { pool in
            try await Reading(.follow, by: person.name, query: query.expression.text).record(pool)
            var printer = RowPrinter(output.output == .json && follow ? .jsonl : output.output, columns: EventColumns.table)
            var next: [Int32: Int64] = [:]
            for row in try await pool.query("select shard, next_index from audit.head") {
                next[try row.decode("shard", as: Int32.self)] = try row.decode("next_index", as: Int64.self)
            }
            let newest = lines == 0 ? [] : try await pool.withConnection { try await query.run($0, limit: lines) }
            printer.print(
                newest.reversed().filter { found in found.index.map { $0 < next[found.shard, default: 0] } ?? !follow }.map(\.json))
            if !follow { return printer.finish() }
            while !Task.isCancelled {
                var printed = false
                for row in try await pool.query("select shard, next_index from audit.head order by shard") {
                    let shard = try row.decode("shard", as: Int32.self)
                    let end = try row.decode("next_index", as: Int64.self)
                    let from = next[shard, default: 0]
                    guard from < end else { continue }
                    let found = try await pool.withConnection { try await query.tail($0, shard: shard, from: from, limit: 1000) }
                    next[shard] = min(end, from + 1000)
                    printer.print(found.map(\.json))
                    printed = true
                }
                if !printed { try await Task.sleep(for: .milliseconds(100)) }
            }
        }
    }
}
