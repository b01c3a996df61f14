import AuditEvents
import LogFormats
import Testing

@Suite struct CardeaLineTests {
    static let event = AuditEvent(
        header: EventHeader(
            id: EventID(time: Timestamp(microseconds: 1_700_000_000_123_456), entropy: 42), tenant: "acme", source: "api",
            type: .loginFailure, outcome: .failure, reason: "bad_password", severity: .medium, actorKind: .user, privileged: true,
            sensitivity: .personal, method: "POST", route: "/login/{x}", status: 401, durationMicroseconds: 1234),
        body: EventBody(
            actor: .init(id: "u1", name: "Zoë"), client: .init(ip: "192.0.2.7", port: 1, userAgent: "x"), session: "fp_s",
            token: .init(fingerprint: "fp_t", issuer: "i", keyID: "k", jti: "fp_j"), target: "t", requestID: "r", traceID: "0af7",
            spanID: "b7ad",
            path: "/login/1", service: "example", details: ["n": 7, "list": [1, "two", .null]]))

    static func text(_ change: (inout JSONObject) -> Void = { _ in }) -> String {
        var object = event.json
        change(&object)
        return String(decoding: CanonicalJSON.encode(.object(object)), as: UTF8.self)
    }

    @Test("an event's line gives the event again, and members around it are ignored")
    func roundTrip() throws {
        let line = Self.text { object in
            object["shard"] = 0
            object["index"] = 17
            object["sealed_at"] = "2026-01-01T00:00:00.000000Z"
            object["recorded_at"] = "2026-01-01T00:00:00.000000Z"
        }
        let record = try record(line)
        let header = Self.event.header
        #expect(record.id == header.id && record.time == header.time && record.tenant == "acme" && record.source == "api")
        #expect(record.body == Self.event.body && record.severity == .medium && record.sensitivity == .personal)
        #expect(record.type == header.type && record.status == 401 && record.route == "/login/{x}" && record.durationMicroseconds == 1234)
    }

    @Test("an id that disagrees with the time is refused")
    func disagreement() {
        let line = lines(Self.text { $0["time"] = "2023-11-14T22:13:20.999999Z" })[0]
        #expect(line.rejection?.contains("disagree") == true, "\(line)")
    }

    @Test("a line without an id has none of its own")
    func withoutID() throws {
        #expect(try record(Self.text { $0["id"] = nil }).id == nil)
    }

    @Test("severity by name")
    func severity() throws { #expect(try record(Self.text { $0["severity"] = "high" }).severity == .high) }

    @Test("other JSON is no line of ours; broken JSON is refused")
    func others() {
        #expect(lines(#"{"event": "invalid_login", "level": "info"}"#)[0].rejection == "no known format")
        #expect(lines(#"{"type": "x", "time""#)[0].rejection?.hasPrefix("not JSON") == true)
        #expect(lines(Self.text { $0["status"] = "many" })[0].rejection?.contains("status") == true)
        #expect(lines(Self.text { $0["outcome"] = "great" })[0].rejection != nil)
    }
}
