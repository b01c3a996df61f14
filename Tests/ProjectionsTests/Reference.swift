import AuditEvents
import Detection
import EventStore
import PostgreSQL
import Testing

@testable import Projections

/// What the worker keeps, as texts that two states can be compared by.
struct Books: Equatable, Sendable {
    /// Every column of every row of every live view.
    var views: [String: [String]] = [:]
    var alerts: [String] = []
    var alertEvents: [String] = []
    var detectionState: [String] = []
    var checkpoints: [String] = []
}

extension WorkerBed {
    /// The rows of a view's generation (the live one's by default), all columns.
    func rows(_ view: String, generation: Int32? = nil) async throws -> [String] {
        let number: Int32
        if let generation {
            number = generation
        } else {
            number = try await pool.query(
                "select generation from audit.projection where name = \(view) and state = 'live'", as: Int32.self)[0]
        }
        let table = SQL.quoted(identifier: "audit_view_\(view)_\(number)") + "." + SQL.quoted(identifier: view)
        return try await pool.query("select to_jsonb(t)::text from \(unsafe: table) t order by 1", as: String.self)
    }

    func books() async throws -> Books {
        var books = Books()
        for view in ProjectionCatalog.views { books.views[view] = try await rows(view) }
        books.alerts = try await pool.query("select (to_jsonb(a) - 'opened_at')::text from audit.alert a order by 1", as: String.self)
        books.alertEvents = try await pool.query("select to_jsonb(e)::text from audit.alert_event e order by 1", as: String.self)
        books.detectionState = try await pool.query("select to_jsonb(s)::text from audit.detection_state s order by 1", as: String.self)
        books.checkpoints = try await pool.query(
            "select (to_jsonb(c) - 'updated_at' - 'token')::text from audit.checkpoint c order by 1", as: String.self)
        return books
    }

    /// What the worker itself adds to the record.
    func eventsAboutAlerts() async throws -> Int {
        Int(try await pool.query("select count(*) from audit.event where type like 'audit\\_alert\\_%'", as: Int64.self)[0])
    }

    func shardNumbers() async throws -> [Int32] { try await sealer.shards() }

    func log(of shard: Int32) async throws -> [SealedEvent] {
        try await pool.withConnection { try await LogReader().read($0, shard: shard, from: 0, limit: 1_000_000) }
    }

    /// Compares everything the worker wrote with a fold of the whole log at once, made here, in memory.
    func expectFolded(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for shard in try await shardNumbers() {
            let log = try await log(of: shard)
            #expect(log.map(\.index) == Array(0..<Int64(log.count)), "the log is contiguous", sourceLocation: sourceLocation)
            try await expect(FailedLoginView.self, shard, log, sourceLocation)
            try await expect(SuspiciousTokenView.self, shard, log, sourceLocation)
            try await expect(RateLimitViolationView.self, shard, log, sourceLocation)
            try await expect(SessionView.self, shard, log, sourceLocation)
            try await expect(RequestSummaryView.self, shard, log, sourceLocation)
            try await expectAlerts(shard, log, sourceLocation)
        }
    }

    private func expect<V: View>(_: V.Type, _ shard: Int32, _ log: [SealedEvent], _ location: SourceLocation) async throws {
        var found: [V.Row.Key: V.Row] = [:]
        for text in try await rows(V.name) {
            guard let columns = try JSONValue(parsing: text.utf8).object, columns["shard"]?.int == Int64(shard) else { continue }
            let key = try V.Row.Key(columns: columns)
            #expect(found[key] == nil, "a key has one row", sourceLocation: location)
            found[key] = try V.Row(key: key, columns: columns)
        }
        #expect(found == folded(V.self, log.map(\.event)), "\(V.name) in shard \(shard)", sourceLocation: location)
    }

    private struct AlertSummary: Equatable {
        var first: Timestamp
        var last: Timestamp
        var count: Int64
        var events: Set<EventID>
    }

    private func expectAlerts(_ shard: Int32, _ log: [SealedEvent], _ location: SourceLocation) async throws {
        var engine = DetectionEngine(rules: rules)
        var expected: [AlertID: AlertSummary] = [:]
        for change in engine.process(log) {
            switch change {
            case .open(let a):
                expected[a.id] = AlertSummary(first: a.firstSeen, last: a.lastSeen, count: Int64(a.count), events: Set(a.events.map(\.id)))
            case .extend(let more):
                expected[more.id]?.first = more.firstSeen
                expected[more.id]?.last = more.lastSeen
                expected[more.id]?.count = Int64(more.count)
                expected[more.id]?.events.formUnion(more.events.map(\.id))
            case .merge(let merge):
                let absorbed = expected.removeValue(forKey: merge.absorbed)?.events ?? []
                expected[merge.into]?.events.formUnion(absorbed)
            }
        }
        var found: [AlertID: AlertSummary] = [:]
        let rows = try await pool.query(
            """
            select a.id, a.first_seen, a.last_seen, a.count,
                (select coalesce(array_agg(e.event::text), '{}') from audit.alert_event e where e.shard = a.shard and e.alert = a.id) as events
            from audit.alert a where a.shard = \(shard) and a.state <> 'merged'
            """)
        for row in rows {
            let id = try row.decode("id", as: PostgresUUID.self)
            let events = try row.decode("events", as: [String].self).compactMap(EventID.init)
            let count = try row.decode("count", as: Int64.self)
            #expect(count == Int64(events.count), "an alert counts its events", sourceLocation: location)
            found[AlertID(high: id.high, low: id.low)] = AlertSummary(
                first: Timestamp(microseconds: try row.decode("first_seen", as: PostgresTimestamp.self).microseconds),
                last: Timestamp(microseconds: try row.decode("last_seen", as: PostgresTimestamp.self).microseconds), count: count,
                events: Set(events))
        }
        #expect(found == expected, "the alerts of shard \(shard)", sourceLocation: location)
    }
}

/// The rows of a view after these events, in memory.
func folded<V: View>(_: V.Type, _ events: [AuditEvent]) -> [V.Row.Key: V.Row] {
    var rows: [V.Row.Key: V.Row] = [:]
    for event in events {
        for key in V.keys(of: event) { V.fold(event, into: &rows[key], key: key) }
    }
    return rows
}
