import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing

@Suite("Query")
struct QueryTests {
    /// Events over every field that a filter looks at, with `%`, `_`, `*`, `\` and quotes in places where they matter.
    private func events(_ count: Int, seed: Int, now: Timestamp) throws -> [EncodedEvent] {
        var random = SeededGenerator(seed: seed)
        func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
        return try (0..<count).map { _ in
            let time = Timestamp(microseconds: now.microseconds - Int64.random(in: 0...(20 * 86_400_000_000), using: &random))
            var header = EventHeader(
                id: EventID(time: time, entropy: random.next()), tenant: pick(Pool.tenants), source: pick(Pool.sources),
                type: EventType(pick(Pool.types)), outcome: pick(Outcome.allCases))
            header.reason = pick(["bad_password", "expired", nil])
            header.route = pick(Pool.routes)
            header.status = pick([200, 302, 404, 499, 500, nil])
            let body = EventBody(
                actor: pick(Pool.actors), client: .init(ip: pick(Pool.addresses)), path: pick(["/a", "/B/c", #"C:\x"#, #"say "hi""#, nil]))
            return try EventEncoder().encode(AuditEvent(header: header, body: body), now: now)
        }
    }

    private enum Pool {
        static let tenants = ["acme", "Globex", "in%tech", "default"]
        static let sources = ["api", "nginx", "my_app", "myXapp", "a%b", "a\\b"]
        static let types = [
            "authn_login_fail", "authn_login_success", "authz_fail", "authnXlogin_fail", "http_request", "audit_import", "audit_migrated",
            "auditor",
        ]
        static let routes = ["/users/{id}", "/users", "/users_", "/usersX", "/100%", "/100x", "/%\u{301}", "/z\u{301}", nil]
        static let actors: [EventBody.Actor?] = [
            .init(id: "1", name: "alice"), .init(id: "2", name: "Alice"), .init(id: "alice"), .init(name: "a_ice"), .init(id: "al*ce"), nil,
        ]
        static let addresses = ["192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db9::1", "not an address", nil]
    }

    /// The networks asked for and what lies in them.
    private static let networks: [String: @Sendable (String) -> Bool] = [
        "192.0.2.1": { $0 == "192.0.2.1" }, "192.0.2.0/24": { $0.hasPrefix("192.0.2.") }, "192.0.2.128/25": { $0 == "192.0.2.200" },
        "0.0.0.0/0": { !$0.contains(":") && !$0.contains(" ") }, "2001:db8::/32": { $0 == "2001:db8::1" },
        "2001:db8::/31": { $0.hasPrefix("2001:") }, "203.0.113.0/24": { _ in false },
    ]

    private static func random(_ random: inout SeededGenerator, _ stored: [EncodedEvent], now: Timestamp) -> EventFilter {
        var filter = EventFilter()
        func some<T>(_ values: [T]) -> [T] {
            guard Int.random(in: 0..<4, using: &random) == 0 else { return [] }
            return (0..<Int.random(in: 1...2, using: &random)).map { _ in values[Int.random(in: 0..<values.count, using: &random)] }
        }
        filter.types = some([
            "authn_*", "*fail", "*_*", "*", "audit_*", "audit*", "audit_import", "http_request", "authn_login%", "", "a*n_l*_f*l",
        ])
        filter.outcomes = some(Outcome.allCases)
        filter.actors = some(["alice", "a*", "a_ice", "1", "al*", "*", "a%", "al**ce"])
        filter.addresses = some(Array(networks.keys.sorted()))
        filter.routes = some(["/users*", "/users_", "/100%", "/*{id}", "/%\u{301}", "*", "/_sers"])
        filter.statuses = some([200...299, 404...404, 400...599, 0...Int16.max])
        filter.tenants = some(["acme", "globex", "in%tech", "inXtech", "default", "*"])
        filter.sources = some(["api", "my_app", "my*", "a%b", #"a\b"#, "a*b"])
        filter.text = some(["ALICE", "expired", "/b/C", "%", "_app", #"C:\X"#, #"say "HI""#, #"\"#, "192.0"])
        filter.own = Int.random(in: 0..<4, using: &random) == 0
        // The ends are included: a time that an event has, now and then.
        if Int.random(in: 0..<4, using: &random) == 0 { filter.since = stored.randomElement(using: &random)?.header.time }
        if Int.random(in: 0..<4, using: &random) == 0 { filter.until = stored.randomElement(using: &random)?.header.time }
        return filter
    }

    /// Whether `text` is what `pattern` says, `*` standing for anything, compared by bytes.
    private static func like(_ text: String?, _ patterns: [String]) -> Bool {
        func matches(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == UInt8(ascii: "*") {
                return (text.startIndex...text.endIndex).contains { matches(text[$0...], pattern.dropFirst()) }
            }
            return text.first == first && matches(text.dropFirst(), pattern.dropFirst())
        }
        guard let text else { return false }
        return patterns.contains { matches(Array(text.utf8)[...], Array($0.utf8)[...]) }
    }

    private static func strings(_ value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(strings)
        case .object(let object): object.flatMap { [$0.key] + strings($0.value) }
        default: []
        }
    }

    private static func admits(_ filter: EventFilter, _ event: EncodedEvent) throws -> Bool {
        let header = event.header
        let body = try #require(try JSONValue(parsing: event.body).object)
        let asked = filter.types.contains { $0.hasPrefix("audit_") || $0.hasPrefix("audit*") }
        if header.type.rawValue.hasPrefix("audit_"), !filter.own, !asked { return false }
        func unless<T>(_ list: [T], _ test: () -> Bool) -> Bool { list.isEmpty || test() }
        let texts =
            ([header.type.rawValue, header.source, header.reason, header.method, header.route].compactMap(\.self) + strings(.object(body)))
            .map { $0.lowercased() }
        return unless(filter.types) { like(header.type.rawValue, filter.types) }
            && unless(filter.outcomes) { filter.outcomes.contains(header.outcome) }
            && unless(filter.actors) {
                like(body["actor"]?.object?["id"]?.string, filter.actors) || like(body["actor"]?.object?["name"]?.string, filter.actors)
            }
            && unless(filter.addresses) {
                filter.addresses.contains { network in
                    body["client"]?.object?["ip"]?.string.map { networks[network]?($0) ?? false } ?? false
                }
            }
            && unless(filter.routes) { like(header.route, filter.routes) }
            && unless(filter.statuses) { filter.statuses.contains { range in header.status.map(range.contains) ?? false } }
            && unless(filter.tenants) { filter.tenants.contains(header.tenant) }
            && unless(filter.sources) { like(header.source, filter.sources) }
            && filter.since.map { header.time >= $0 } ?? true
            && filter.until.map { header.time <= $0 } ?? true
            && filter.text.allSatisfy { word in texts.contains { Array($0.utf8).contains(Array(word.lowercased().utf8)) } }
    }

    @Test("every filter finds what a look at each event finds, and pages of any size make up the whole", arguments: [1, 4])
    func reference(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let now = Timestamp.now()
            let stored = try events(300, seed: 42, now: now)
            try await record.appender.append(stored)
            try await record.sealer.sealAll()
            var random = SeededGenerator(seed: 43)
            let readers = record.database.pool(role: "cardea_reader", maximumConnections: 1)
            try await readers.withConnection { connection in
                var found = 0
                for round in 0..<250 {
                    let filter = round == 0 ? EventFilter() : QueryTests.random(&random, stored, now: now)
                    let expected = try stored.filter { try QueryTests.admits(filter, $0) }.map(\.header.id).sorted(by: >)
                    let answer = try await EventQuery(filter).run(connection, limit: 1000)
                    #expect(answer.map(\.event.id) == expected, "\(filter)")
                    #expect(answer.allSatisfy { $0.index != nil })
                    #expect(try await EventQuery(filter).count(connection) == expected.count, "\(filter)")
                    found += expected.count
                    guard round % 10 == 0 else { continue }
                    var pages: [EventID] = []
                    let size = Int.random(in: 1...60, using: &random)
                    while true {
                        let page = try await EventQuery(filter, after: pages.last).run(connection, limit: size)
                        pages += page.map(\.event.id)
                        if page.count < size { break }
                    }
                    #expect(pages == expected, "pages of \(size): \(filter)")
                    var tailed: [EventID] = []
                    for shard in try await record.sealer.shards() {
                        tailed += try await EventQuery(filter).tail(connection, shard: shard, from: 0, limit: 1000).map(\.event.id)
                    }
                    #expect(tailed.sorted(by: >) == expected, "tail: \(filter)")
                }
                #expect(found > 1000, "the filters are not all empty")
            }
            await readers.close()
        }
    }

    @Test("an event is found as soon as it is committed, its index comes with the seal", arguments: [1, 4])
    func unsealed(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let events = try record.spread(21)
            try await record.appender.append(events)
            func found() async throws -> [FoundEvent] {
                try await record.workers.withConnection { try await EventQuery(EventFilter()).run($0, limit: 100) }
            }
            #expect(try await found().map(\.index) == Array(repeating: nil, count: 21))
            try await record.sealer.sealAll()
            let sealed = Dictionary(grouping: try await found(), by: \.shard)
            #expect(sealed.keys.sorted() == Array(0..<Int32(shards)))
            for (shard, part) in sealed {
                #expect(part.compactMap(\.index).sorted() == Array(0..<Int64(part.count)))
                let read = try await record.workers.withConnection { try await LogReader().read($0, shard: shard, from: 1, limit: 1) }
                #expect(read.map(\.index) == [1])
                #expect(read.map(\.event.id) == part.filter { $0.index == 1 }.map(\.event.id))
                #expect(
                    try await record.workers.withConnection { try await LogReader().nextIndex($0, shard: shard) } == Int64(part.count))
            }
        }
    }

    @Test("an address that is none is an error of the question, not of the server", arguments: [1, 4])
    func badAddress(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            var filter = EventFilter()
            filter.addresses = ["10.0.0.0/99"]
            let state = try await refusal { _ = try await record.workers.withConnection { try await EventQuery(filter).run($0, limit: 1) } }
            #expect(state == "22P02")
        }
    }
}

@Suite("Time expressions")
struct TimeExpressionTests {
    @Test(
        "times as people write them",
        arguments: [
            ("now", "2026-03-10T12:00:00.000000Z"), ("2026-03-01", "2026-03-01T00:00:00.000000Z"),
            ("2026-03-01T10:20", "2026-03-01T10:20:00.000000Z"), ("2026-03-01 10:20", "2026-03-01T10:20:00.000000Z"),
            ("2026-03-01T10:20:30", "2026-03-01T10:20:30.000000Z"), ("2026-03-01T10:20:30.5Z", "2026-03-01T10:20:30.500000Z"),
            ("2026-03-01T10:20:30+02:00", "2026-03-01T08:20:30.000000Z"), ("30s", "2026-03-10T11:59:30.000000Z"),
            ("90m", "2026-03-10T10:30:00.000000Z"), ("2h", "2026-03-10T10:00:00.000000Z"), ("7d", "2026-03-03T12:00:00.000000Z"),
            ("1w", "2026-03-03T12:00:00.000000Z"), ("0s", "2026-03-10T12:00:00.000000Z"), ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("", nil), ("d", nil), ("-1d", nil), ("+1d", nil), ("1 d", nil), ("1.5h", nil), ("1y", nil), ("2026-02-30", nil),
            ("2026-13-01", nil),
            ("yesterday", nil), ("99999999999999999999d", nil), ("2026-03", nil), ("20260301", nil), ("1d\0", nil), ("١d", nil),
            ("NOW", nil),
        ] as [(String, String?)])
    func table(text: String, expected: String?) throws {
        let now = try #require(Timestamp("2026-03-10T12:00:00Z"))
        #expect(TimeExpression.parse(text, now: now)?.description == expected)
    }

    @Test("the end of a range includes its day, and only a bare date is a day")
    func endOfDay() throws {
        let now = try #require(Timestamp("2026-03-10T12:00:00Z"))
        #expect(TimeExpression.parse("2026-03-01", now: now, endOfDay: true)?.description == "2026-03-01T23:59:59.999999Z")
        #expect(TimeExpression.parse("2026-03-01T10:00", now: now, endOfDay: true)?.description == "2026-03-01T10:00:00.000000Z")
        #expect(TimeExpression.parse("1d", now: now, endOfDay: true)?.description == "2026-03-09T12:00:00.000000Z")
    }
}
