import AuditEvents
import DatabaseTesting
import EventStore
import Logging
import PostgreSQL
import Testing

@Suite("Hostile text")
struct HostileTests {
    static let hostile = [
        "a\0b", "\0", "\r\n", "line\r\nInjected: yes", "\u{1b}[31mred\u{1b}[0m", "\u{7f}\u{1}\u{8}", "'; drop table audit.event; --",
        #"\"#, #"\x00 \u0000 $1 %s {0}"#, "\"quoted\"", "{\"a\":1}", "NULL", "{NULL,\"x\"}", "\u{202e}evil", "e\u{301}", "\u{e9}",
        "\u{feff}bom",
        "\u{1f469}\u{200d}\u{1f4bb}", "999.999.999.999", "10.0.0.0/33", "::ffff:192.0.2.1%eth0", "\u{10ffff}", "\u{e000}", " ", "a,b\t;c",
        String(repeating: "x", count: 1 << 20), String(repeating: "\u{1b}", count: 1 << 20), String(repeating: "\u{e9}\0", count: 1 << 18),
    ]

    @Test("whatever text stands in every field, one event is stored and reads back as it was encoded", arguments: [1, 4])
    func hostileText(shards: Int) async throws {
        try await withRecord(shards: shards) { record in
            let pool = record.database.pool(role: "cardea_admin", maximumConnections: 1)
            for text in HostileTests.hostile { try await expectStored(text, pool) }
            await pool.close()
            try await record.sealer.sealAll()
            #expect(try await record.logs().count == HostileTests.hostile.count)
        }
    }

    private func expectStored(_ text: String, _ pool: PostgresPool) async throws {
        let comment = Comment(rawValue: "of \(text.utf8.count) bytes: " + text.prefix(40).debugDescription)
        let id = EventID(time: .now())
        var header = EventHeader(id: id, tenant: text, source: text, type: EventType(text), outcome: .denied, reason: text)
        (header.method, header.route, header.status, header.durationMicroseconds) = (text, text, .max, .max)
        let body = EventBody(
            actor: .init(id: text, name: text), client: .init(ip: text, port: 1, userAgent: text), session: text,
            token: .init(fingerprint: text, issuer: text, keyID: text, jti: text), target: text, requestID: text, traceID: text,
            spanID: text,
            path: text, service: text,
            details: [
                text: .string(text),
                "n": .array([.double(1e300), .double(-0.0), .double(.leastNonzeroMagnitude), .int(.max), .int(.min), .double(0.1), .null]),
            ])
        let encoded = try EventEncoder().encode(AuditEvent(header: header, body: body), now: .now())
        let appender = Appender(pool)
        #expect(try await appender.append([encoded]) == 1, comment)
        #expect(try await appender.append([encoded]) == 0, comment)
        let shard = try await appender.shard(of: encoded.header.tenant)
        let found = try await pool.withConnection { try await EventQuery.events([id], shard: shard, $0) }
        #expect(found.count == 1, comment)
        let event = try #require(found.first?.event, comment)
        #expect(event.header.json == encoded.header.json, comment)
        #expect(CanonicalJSON.encode(.object(event.header.json)) == CanonicalJSON.encode(.object(encoded.header.json)), comment)
        let uuid = PostgresUUID(high: id.high, low: id.low)
        let row = try await pool.query("select body, salt, body_hash, actor, session, token from audit.event where id = \(uuid)")[0]
        // The proof holds over what jsonb gives back.
        let stored = CanonicalJSON.encode(try JSONValue(parsing: try row.decode("body", as: PostgresJSON.self).text.utf8))
        #expect(stored == encoded.body, comment)
        let salt = try row.decode("salt", as: PostgresBytes.self).bytes
        #expect(try row.decode("body_hash", as: PostgresBytes.self).bytes == EventEncoder.bodyHash(salt: salt, body: stored), comment)
        #expect(try row.decode("actor", as: String?.self).map { Array($0.utf8) } == encoded.actor.map { Array($0.utf8) }, comment)
        #expect(try row.decode("session", as: String?.self) == encoded.session, comment)
        #expect(try row.decode("token", as: String?.self) == encoded.token, comment)
    }
}
