import ArgumentParser
import AuditEvents
import Detection
import EventStore
import Glibc
import Logging
import PostgreSQL
import Projections

/// Checks a record that was written under faults: nothing lost or doubled, views as a fresh rebuild has them, alerts as an undisturbed run.
struct BenchCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the record after faults: acknowledged events, order, views, alerts.",
        discussion: "Folds what is left to fold, and rebuilds every view. Exit status 1 when something is wrong.", shouldDisplay: false)

    @Argument(help: "A file of acknowledged ids, one a line.") var acknowledged: String
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let deployment = try await Deployment.open(database)
        let ids = try acknowledgedIDs()
        let rules = try RuleSet.builtIn()
        try await deployment.withPool(.worker) { pool in
            let worker = Worker(
                pool: pool, listening: deployment.configuration(.worker), configuration: .init(id: Deployment.workerID()),
                rules: RulesAtWork(rules),
                logger: deployment.logger)
            try await worker.runUntilIdle()
            var faults = try await checkEvents(ids, pool)
            faults += try await checkOrder(pool)
            faults += try await checkAlerts(rules, pool)
            faults += try await checkViews(worker, deployment, pool)
            for fault in faults { StandardError.write("cardea: WRONG: \(fault)\n") }
            guard faults.isEmpty else { throw Failure("\(faults.count) things are wrong") }
            StandardError.write("cardea: nothing lost, nothing doubled; order, views and alerts are right\n")
        }
    }

    private func acknowledgedIDs() throws -> [String] {
        let file = open(acknowledged, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure("\(acknowledged) cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            guard count >= 0 else { throw Failure("\(acknowledged) cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    private func checkEvents(_ ids: [String], _ pool: PostgresPool) async throws -> [String] {
        let row = try await pool.query(
            """
            with known as (select a.id::uuid as id from unnest(\(ids)) a (id)), stored as (select id, count(*) as n from audit.event group by id)
            select (select count(*) from known k where not exists (select from stored s where s.id = k.id)) as lost,
                (select count(*) from stored where n > 1) as doubled, (select count(*) from stored) as stored
            """)[0]
        let (lost, doubled) = (try row.decode("lost", as: Int64.self), try row.decode("doubled", as: Int64.self))
        StandardError.write("cardea: \(ids.count) acknowledged, \(try row.decode("stored", as: Int64.self)) stored\n")
        return (lost > 0 ? ["\(lost) acknowledged events are not there"] : []) + (doubled > 0 ? ["\(doubled) events are there twice"] : [])
            + (Set(ids).count < ids.count ? ["an id was acknowledged twice"] : [])
    }

    private func checkOrder(_ pool: PostgresPool) async throws -> [String] {
        try await pool.query(
            """
            select h.shard from audit.head h
            cross join lateral (
                select count(*) as n, count(distinct l.id) as ids, coalesce(min(l.index), 0) as low, coalesce(max(l.index), -1) as high
                from audit.log l where l.shard = h.shard) l
            cross join lateral (select count(*) as n from audit.event e where e.shard = h.shard) e
            where l.n <> h.next_index or l.ids <> l.n or l.low <> 0 or l.high <> l.n - 1 or e.n <> l.n
            """, as: Int32.self
        ).map { "the log of shard \($0) is not contiguous, or is not what is stored" }
    }

    private struct Summary: Equatable {
        var first: Int64, last: Int64, count: Int64
        var events: Set<String>
    }

    /// Against one engine that judges each shard's log from its beginning.
    private func checkAlerts(_ rules: RuleSet, _ pool: PostgresPool) async throws -> [String] {
        var faults: [String] = []
        var total = 0
        for shard in try await Sealer(pool).shards() {
            var engine = DetectionEngine(rules: rules)
            var expected: [String: Summary] = [:]
            var next: Int64 = 0
            while true {
                let from = next
                let events = try await pool.withConnection { try await LogReader().read($0, shard: shard, from: from, limit: 5000) }
                guard let last = events.last else { break }
                next = last.index + 1
                for change in engine.process(events) { BenchCheck.apply(change, to: &expected) }
            }
            var found: [String: Summary] = [:]
            let rows = try await pool.query(
                """
                select a.id::text, a.first_seen, a.last_seen, a.count,
                    array(select e.event::text from audit.alert_event e where e.shard = a.shard and e.alert = a.id) as events
                from audit.alert a where a.shard = \(shard) and a.state <> 'merged'
                """)
            for row in rows {
                let events = try row.decode("events", as: [String].self)
                let id = try row.decode("id", as: String.self)
                if found[id] != nil { faults.append("the alert \(id) is there twice") }
                found[id] = Summary(
                    first: try row.decode("first_seen", as: PostgresTimestamp.self).microseconds,
                    last: try row.decode("last_seen", as: PostgresTimestamp.self).microseconds,
                    count: try row.decode("count", as: Int64.self),
                    events: Set(events))
                if found[id]?.count != Int64(events.count) { faults.append("the alert \(id) does not count its events") }
            }
            total += found.count
            if found != expected { faults.append("the alerts of shard \(shard) are not those of an undisturbed run") }
        }
        StandardError.write("cardea: \(total) alerts\n")
        return faults
    }

    private static func apply(_ change: AlertChange, to alerts: inout [String: Summary]) {
        switch change {
        case .open(let a):
            alerts[a.id.description] = Summary(
                first: a.firstSeen.microseconds, last: a.lastSeen.microseconds, count: Int64(a.count),
                events: Set(a.events.map(\.id.description)))
        case .extend(let more):
            guard var alert = alerts[more.id.description] else { return }
            (alert.first, alert.last, alert.count) = (more.firstSeen.microseconds, more.lastSeen.microseconds, Int64(more.count))
            alert.events.formUnion(more.events.map(\.id.description))
            alerts[more.id.description] = alert
        case .merge(let merge):
            let absorbed = alerts.removeValue(forKey: merge.absorbed.description)?.events ?? []
            alerts[merge.into.description]?.events.formUnion(absorbed)
        }
    }

    private func checkViews(_ worker: Worker, _ deployment: Deployment, _ pool: PostgresPool) async throws -> [String] {
        var faults: [String] = []
        let catalog = ProjectionCatalog(pool, logger: deployment.logger)
        for view in ProjectionCatalog.views {
            let before = try await digest(of: view, pool)
            let generation = try await catalog.rebuild(view)
            try await worker.runUntilIdle()
            guard try await catalog.isLive(view, generation) else {
                faults.append("\(view) was not switched to its rebuilt generation")
                continue
            }
            if try await digest(of: view, pool) != before { faults.append("\(view) is not what a fresh rebuild gives") }
        }
        return faults
    }

    private func digest(of view: String, _ pool: PostgresPool) async throws -> String {
        try await pool.query(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text collate \"C\")), '') from audit_view.\(identifier: view) t",
            as: String.self)[0]
    }
}
