import AuditEvents
import AuditTesting
import Testing

@Suite("the JSON form of events")
struct EventJSONTests {
    @Test("random events are read back as they were")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<1000 {
            let event = random.event()
            let text = CanonicalJSON.encode(.object(event.json))
            #expect(try AuditEvent(json: JSONValue(parsing: text)) == event)
        }
    }

    @Test("the header's form has exactly the fields of the leaf")
    func fields() throws {
        let header = EventHeader(
            id: EventID(time: .epoch), source: "s", type: .loginFailure, outcome: .failure, reason: "r", sensitivity: .personal,
            method: "GET",
            route: "/x", status: 200, durationMicroseconds: 5)
        let names = [
            "actor_kind", "duration_us", "id", "method", "outcome", "privileged", "reason", "route", "sensitivity", "severity", "source",
            "status",
            "tenant", "time", "type", "v",
        ]
        #expect(header.json.members.map(\.key) == names)
    }

    @Test("what is left out has a plain meaning")
    func defaults() throws {
        let event = try AuditEvent(json: parse(#"{"time":"2026-01-01T00:00:00Z","source":"s","type":"t"}"#))
        #expect(event.header.tenant == "default" && event.header.outcome == .unknown && event.header.severity == .informational)
        #expect(event.time == Timestamp("2026-01-01T00:00:00Z"))
        #expect(
            try AuditEvent(json: parse(#"{"time":"2026-01-01T00:00:00Z","source":"s","type":"t","severity":"high"}"#)).header.severity
                == .high)
    }

    @Test("members of a body that are not known go to its details")
    func unknown() throws {
        let body = try EventBody(json: parse(#"{"actor":{"id":7},"colour":"red","details":{"n":1}}"#).object ?? [:])
        #expect(body.actor?.id == "7")
        #expect(body.details == ["colour": "red", "n": 1])
    }

    @Test(
        "a field of another kind is named",
        arguments: [
            ("time", #""yesterday""#), ("time", #""1969-12-31T23:59:59Z""#), ("time", "5"), ("id", #""x""#), ("severity", "9"),
            ("severity", #""awful""#), ("severity", "true"), ("outcome", #""ok""#), ("actor_kind", #""dog""#), ("status", "70000"),
            ("status", #""200""#), ("privileged", #""yes""#), ("source", #""""#), ("type", "null"), ("tenant", "{}"), ("body", "[]"),
            ("sensitivity", #""x""#), ("id", #""017f22e2-79b0-7cc3-98c4-dc0c0c07398f""#),
        ])
    func wrong(field: String, value: String) throws {
        var object = try #require(try parse(#"{"time":"2026-01-01T00:00:00Z","source":"s","type":"t"}"#).object)
        object[field] = try parse(value)
        let error = #expect(throws: EventFormError.self) { try AuditEvent(json: .object(object)) }
        #expect(error?.field == field)
    }
}
