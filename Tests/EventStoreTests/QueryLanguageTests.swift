import AuditEvents
import DatabaseTesting
import PostgreSQL
import Testing

@testable import EventStore

@Suite("the query language")
struct QueryLanguageTests {
    static let now = Timestamp("2026-11-24T12:00:00Z") ?? .epoch

    private func parse(_ text: String) throws -> QueryExpression { try QueryExpression(text, now: QueryLanguageTests.now) }

    @Test(
        "is read to one text, and that text to itself",
        arguments: [
            ("actor:ada type:authn_* -outcome:success", "-outcome:success actor:ada type:authn_*"),
            ("type:b,a type:c", "type:a,b,c"), ("status:>=500", "status:>=500"), ("status:4xx", "status:400..499"),
            ("status:400-403,404", "status:400..403,404"), ("status:>499", "status:>=500"), ("duration:>250ms", "duration:>=250001us"),
            ("severity:>=high", "severity:>=4"), ("\"free text\" word", "\"free text\" word"),
            ("actor:\"ada, l\\\"x\\\" *\"", "actor:\"ada, l\\\"x\\\" *\""),
            ("session:* -token:*", "-token:* session:*"), ("PRIVILEGED:TRUE outcome:Denied", "outcome:denied privileged:true"),
            ("since:2026-01-01 until:2026-01-31", "since:2026-01-01T00:00:00.000000Z until:2026-01-31T23:59:59.999999Z"),
            ("since:2h", "since:2026-11-24T10:00:00.000000Z"), ("own:true", "own:true"), ("", ""), ("  \t\r\n ", ""),
            ("actor:a**b*", "actor:a*b*"), ("-\"not this\"", "-\"not this\""), ("path:\"/a:b\"", "path:\"/a:b\""),
            ("actor:e\u{301}va", "actor:e\u{301}va"),
        ])
    func canonical(_ written: String, _ expected: String) throws {
        let expression = try parse(written)
        #expect(expression.text == expected)
        #expect(try parse(expression.text).text == expected)
    }

    @Test(
        "dates are those of the zone, ends with their day, across every change of the clocks",
        arguments: [
            // Spring: 29 March 2026 has 23 hours in Berlin; autumn: 25 October has 25.
            ("since:2026-03-29 until:2026-03-29 tz:Europe/Berlin", "2026-03-28T23:00:00.000000Z", "2026-03-29T21:59:59.999999Z"),
            ("since:2026-10-25 until:2026-10-25 tz:Europe/Berlin", "2026-10-24T22:00:00.000000Z", "2026-10-25T22:59:59.999999Z"),
            (
                "tz:America/New_York since:2026-11-01T00:30:00 until:2026-11-01", "2026-11-01T04:30:00.000000Z",
                "2026-11-02T04:59:59.999999Z"
            ),
            // An hour that is skipped, and one that comes twice: its first.
            (
                "since:2026-03-29T02:30:00 until:2026-10-25T02:30:00 tz:Europe/Berlin", "2026-03-29T01:30:00.000000Z",
                "2026-10-25T00:30:00.000000Z"
            ),
            ("since:2026-03-29T02:30:00Z until:now tz:Asia/Kolkata", "2026-03-29T02:30:00.000000Z", "2026-11-24T12:00:00.000000Z"),
            // Midnight itself does not exist on this day.
            ("since:2018-11-04 until:2018-11-04 tz:America/Sao_Paulo", "2018-11-04T03:00:00.000000Z", "2018-11-05T01:59:59.999999Z"),
        ])
    func zones(_ written: String, _ since: String, _ until: String) throws {
        let expression = try parse(written)
        #expect(expression.since?.description == since && expression.until?.description == until)
    }

    @Test(
        "what is no query is refused with the place and a way on",
        arguments: [
            ("acter:ada", 1, "actor"), ("type:a statsu:404", 8, "status"), ("status:abc", 8, "number"), ("outcome:won", 9, "success"),
            ("ip:999.1.1.1", 4, "address"), ("actor:\"open", 7, ""), ("type:", 6, ""), ("type:a,,b", 8, ""), ("since:yesterday", 7, "2026"),
            ("since:1h since:2h", 10, ""), ("-since:1h", 1, ""), ("tz:Mars/Olympus", 4, "IANA"), ("id:12", 4, "whole"),
            ("privileged:maybe", 12, "true"),
            ("status:9..5", 8, ""), ("duration:5", 10, "250ms"), ("since:now until:2h", 1, ""), ("http://example.com", 1, "quotes"),
            ("text:x", 1, ""), ("a\\", 2, ""),
            ("duration:99999999999999999m", 10, ""),
        ])
    func refused(_ written: String, _ position: Int, _ hint: String) throws {
        do {
            _ = try parse(written)
            Issue.record("\(written) was taken")
        } catch let error as QueryError {
            #expect(error.position == position, "\(error)")
            #expect(hint.isEmpty || error.description.contains(hint), "\(error)")
        }
    }

    @Test("has bounds")
    func bounds() throws {
        #expect(throws: QueryError.self) { try parse(String(repeating: "a", count: 9000)) }
        #expect(throws: QueryError.self) { try parse(String(repeating: "a ", count: 257)) }
        #expect(throws: QueryError.self) { try parse("type:" + (0..<1001).map { "\($0)" }.joined(separator: ",")) }
        #expect(try parse(String(repeating: "a ", count: 256)).terms.count == 256)
    }

    @Test("finds exactly the events meant", .database)
    func found() async throws {
        try await withRecord(shards: 2) { record in
            func event(_ number: Int, _ change: (inout AuditEvent) -> Void) throws -> EncodedEvent {
                var event = AuditEvent(
                    header: EventHeader(
                        id: EventID(time: Timestamp.now().advanced(bySeconds: -Int64(100 - number))), source: "api", type: .httpRequest,
                        outcome: .success),
                    body: EventBody(target: "n\(number)"))
                change(&event)
                return try EventEncoder().encode(event, now: .now())
            }
            try await record.appender.append([
                event(0) {
                    $0.body.actor = .init(id: "7", name: "ada")
                    $0.header.status = 200
                },
                event(1) {
                    $0.body.actor = .init(id: "8", name: "bob")
                    $0.header.status = 404
                    $0.header.outcome = .failure
                },
                event(2) {
                    $0.body.client = .init(ip: "192.0.2.9", userAgent: "curl/8")
                    $0.header.status = 503
                    $0.header.outcome = .error
                },
                event(3) {
                    $0.header.type = .loginFailure
                    $0.header.outcome = .failure
                    $0.header.severity = .high
                    $0.header.reason = "50%_off"
                },
                event(4) {
                    $0.header.type = EventType("audit_thing")
                    $0.header.tenant = "acme"
                    $0.header.durationMicroseconds = 300_000
                },
                event(5) {
                    $0.body.details = ["note": "say \"hi\" now"]
                    $0.body.session = String(repeating: "a", count: 64)
                    $0.header.privileged = true
                },
            ])
            try await record.sealer.sealAll()
            let expected: [(String, [Int])] = [
                ("", [0, 1, 2, 3, 5]), ("own:true", [0, 1, 2, 3, 4, 5]), ("type:audit_*", [4]), ("actor:ada", [0]), ("actor:8", [1]),
                ("actor:*", [0, 1]),
                ("-actor:*", [2, 3, 5]), ("-actor:ada", [1, 2, 3, 5]), ("status:>=400", [1, 2]), ("status:4xx,200", [0, 1]),
                ("-status:200", [1, 2, 3, 5]),
                ("ip:192.0.2.0/24", [2]), ("user_agent:curl*", [2]), ("outcome:failure type:authn_*", [3]),
                ("outcome:failure -type:authn_*", [1]),
                ("severity:>=high", [3]), ("reason:\"50%_off\"", [3]), ("reason:50*off", [3]), ("reason:5_%*", []),
                ("tenant:acme own:true", [4]),
                ("duration:>250ms own:true", [4]), ("\"say \\\"hi\\\" now\"", [5]), ("session:*", [5]), ("privileged:true", [5]),
                ("target:n1,n2", [1, 2]),
                ("-target:n1 -target:n2 -own:x", []),
            ]
            for (text, numbers) in expected where !text.contains("-own") {
                var filter = EventFilter()
                filter.written = try QueryExpression(text, now: .now())
                let query = EventQuery(filter)
                let found = try await record.pool.withConnection { try await query.run($0, limit: 100) }
                #expect(found.compactMap { $0.event.body.target }.sorted() == numbers.map { "n\($0)" }, "\(text)")
                #expect(try await record.pool.withConnection { try await query.count($0) } == numbers.count)
            }
        }
    }
}
