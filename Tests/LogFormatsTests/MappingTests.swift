import AuditEvents
import LogFormats
import Testing

@Suite struct MappingTests {
    static let yaml = """
        name: shop
        time: {field: ts, format: unix_ms}
        type: {field: event, values: {login_failed: authn_login_fail, login: authn_login_success, page: http_request}, default: skip}
        reason: {field: why, values: {nouser: unknown_account}, default: bad_password}
        outcome: {field: result, values: {no: denied}}
        actor: user.name
        client_ip: [ip, remote]
        user_agent: agent
        method: m
        path: p
        status: s
        duration: {field: d, unit: s}
        details: {shop_id: shop.id}
        only: {level: [info, warn]}
        """

    @Test("a mapping's fields become an event's, of JSON and of logfmt")
    func mapped() throws {
        let mapping = try FieldMapping(parsing: Self.yaml)
        var parser = parser(.mapped(mapping))
        let json =
            #"{"ts":1715028016353,"event":"login_failed","why":"nouser","user":{"name":"joe"},"ip":"192.0.2.7","level":"info","shop":{"id":7}}"#
        let record = try #require(parser.parse(Array(json.utf8)).record)
        #expect(record.type == .loginFailure && record.outcome == .failure && record.reason == "unknown_account" && record.user == "joe")
        #expect(record.time == Timestamp("2024-05-06T20:40:16.353Z") && record.ip == "192.0.2.7" && record.body.service == "shop")
        #expect(record.body.details["shop_id"] == 7)
        let line =
            #"ts=1715028016353 level=warn event=page m=GET p="/a b" s=404 d=0.5 remote=192.0.2.7:4242 user.name=joe result=no agent="a \"b\"""#
        let request = try #require(parser.parse(Array(line.utf8)).record)
        #expect(request.type == .httpRequest && request.status == 404 && request.outcome == .denied && request.body.path == "/a b")
        #expect(request.durationMicroseconds == 500_000 && request.body.client?.port == 4242 && request.body.client?.userAgent == #"a "b""#)
        #expect(parser.parse(Array(#"{"ts":1715028016353,"event":"other","level":"info"}"#.utf8)).isSkipped)
        #expect(parser.parse(Array(#"{"ts":1715028016353,"event":"login","level":"debug"}"#.utf8)).isSkipped)
        #expect(parser.parse(Array(#"{"event":"login","level":"info"}"#.utf8)).rejection == "the line carries no time")
        #expect(parser.parse(Array("hello".utf8)).rejection == "not a line of the format shop")
    }

    @Test(
        "times in every form",
        arguments: [
            ("%d/%b/%Y %H:%M:%S.%f %z", "06/May/2024 22:40:16.353 +0200"), ("%Y%m%d%H%M%S", "20240506204016"),
            ("auto", "2024-05-06T22:40:16.353+02:00"),
            ("auto", "2024-05-06 20:40:16.353"), ("auto", "1715028016.353"), ("unix_ns", "1715028016353000000"), ("unix", "1715028016"),
            ("auto", "06/May/2024:20:40:16 +0000"),
        ])
    func times(form: String, text: String) throws {
        let mapping = try FieldMapping(parsing: "{\"time\":{\"field\":\"t\",\"format\":\"\(form)\"},\"type\":\"http_request\"}")
        var parser = parser(.mapped(mapping))
        let record = try #require(parser.parse(Array("t=\"\(text)\"".utf8)).record)
        #expect(record.time.description.hasPrefix("2024-05-06T20:40:16"))
    }

    @Test(
        "a wrong mapping is refused with its key",
        arguments: [
            ("type: http_request", "time"), ("time: t", "type"), ("time: t\ntype: audit_import", "type"), ("time: t\ntype: Nope!", "type"),
            ("time: {field: t, format: klingon}\ntype: http_request", "time"), ("time: t\ntype: http_request\nipp: x", "ipp"),
            ("time: t\ntype: http_request\noutcome: {field: a, values: {b: great}}", "outcome"), ("[", ""), ("- a", ""),
            ("time: t\ntype: {field: e, valeus: {}}", "type"),
        ])
    func wrong(text: String, key: String) {
        #expect { try FieldMapping(parsing: text) } throws: { ($0 as? FieldMappingError)?.key == key }
    }

    @Test("aliases that multiply are bounded")
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...8 { text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n" }
        #expect(throws: FieldMappingError.self) { try FieldMapping(parsing: text) }
    }
}
