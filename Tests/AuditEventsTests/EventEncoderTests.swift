import AuditEvents
import AuditTesting
import Testing

@Suite("events as they are stored")
struct EventEncoderTests {
    static let now = Timestamp("2026-11-23T12:00:00Z") ?? .epoch

    func event(_ body: EventBody = EventBody(), time: Timestamp = Self.now) -> AuditEvent {
        AuditEvent(header: EventHeader(id: EventID(time: time), source: "test", type: .httpRequest, outcome: .success), body: body)
    }

    func encode(_ event: AuditEvent) throws -> (stored: EncodedEvent, body: JSONObject) {
        let stored = try EventEncoder().encode(event, now: Self.now)
        // PostgreSQL's jsonb: parsed, its names in another order, its numbers as decimals; then what a verifier does.
        let object = try #require(try JSONValue(parsing: stored.body).object)
        #expect(CanonicalJSON.encode(.object(JSONObject(object.members.reversed().map { ($0.key, $0.value) }))) == stored.body)
        #expect(EventEncoder.bodyHash(salt: stored.salt, body: CanonicalJSON.encode(.object(object))) == stored.bodyHash)
        #expect(stored.body.count <= EventEncoder.maximumBodyBytes)
        #expect(!stored.body.contains(0))
        #expect(stored.salt.count == 16 && stored.bodyHash.count == 32)
        return (stored, object)
    }

    func text(_ object: JSONObject) -> String { canonical(.object(object)) }

    @Test("random events keep their bodies")
    func random() throws {
        var random = SeededGenerator(seed: 10)
        for _ in 0..<300 {
            var event = random.event()
            (event.body.session, event.body.token) = (nil, nil)
            event = AuditEvent(header: event.header, body: event.body)
            let stored = try EventEncoder().encode(event, now: .maximum)
            let object = try #require(try JSONValue(parsing: stored.body).object)
            if object["redacted"] == nil { #expect(try EventBody(json: object) == event.body) }
            #expect(stored.header.id == event.header.id)
        }
    }

    @Test("secret fields are gone at any depth and in any case, and the paths told")
    func secrets() throws {
        let (stored, object) = try encode(
            event(
                EventBody(
                    actor: .init(name: "https://al:hunter2@h"), session: "hunter2",
                    token: .init(fingerprint: "hunter2", issuer: "i", jti: "hunter2"),
                    path: "/x?token=hunter2",
                    details: [
                        "user": ["PassWord": "hunter2", "Name": "al", "list": [["apiKey": "hunter2"], "password=hunter2"]],
                        "Set-Cookie": ["hunter2"],
                        "pin": 1234, "secret": ["a": "hunter2"], "has_password": true, "password": .null, "token": "",
                        "headers": [["name": "Authorization", "value": "hunter2"], ["name": "Host", "value": "h"]], "token=hunter2": 1,
                        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.hunter2": ["password": "hunter2"],
                    ])))
        #expect(!text(object).contains("hunter2") && !text(object).contains("1234"))
        #expect(stored.session == "[redacted:session]" && stored.token == "[redacted:token]")
        #expect(stored.actor == "https://al:[redacted:password]@h")
        let details = try #require(object["details"]?.object)
        #expect(
            details["user"]?.object?["Name"] == "al" && details["has_password"] == true && details["password"] == .null
                && details["token"] == "")
        #expect(details["headers"]?.array?[1].object?["value"] == "h")
        let told = object["redacted"]?.array?.compactMap(\.string) ?? []
        for path in ["session", "token.fingerprint", "token.jti", "path", "details.user.PassWord", "details.pin", "actor"] {
            #expect(told.contains { $0 == path || $0.hasPrefix(path + ".") }, "\(path) in \(told)")
        }
    }

    @Test("encoding what was stored changes nothing more")
    func idempotent() throws {
        let first = try encode(
            event(EventBody(session: "x", token: .init(fingerprint: "y"), path: "/?password=z", details: ["cookie": "a=b"])))
        let again = try encode(event(EventBody(json: first.body)))
        #expect(again.body["details"]?.object?["redacted"] == first.body["redacted"])
        #expect(again.body["redacted"] == nil)
        #expect(again.stored.session == first.stored.session)
    }

    @Test("NUL is seen, in texts, names and columns; two names that become one do not break the hash")
    func nul() throws {
        let (stored, object) = try encode(
            event(EventBody(actor: .init(name: "a\0b"), client: .init(ip: "\0"), details: ["k\0": 1, #"k\u0000"#: 2, "n": "x\0y"])))
        #expect(stored.actor == #"a\u0000b"#)
        #expect(object["details"]?.object?["n"] == #"x\u0000y"#)
        #expect(object["details"]?.object?.count == 2)
        var odd = event()
        odd.header.source = "s\0"
        odd.header.route = "/\0"
        #expect(try encode(odd).stored.header.source == #"s\u0000"#)
    }

    @Test("numbers are stored so that jsonb's decimals lead back to them")
    func numbers() throws {
        let details: JSONObject = [
            "huge": .double(1e300), "tiny": .double(5e-324), "zero": .double(-0.0), "whole": .double(3), "int": .int(.max),
            "nan": .double(.nan),
            "inf": .double(.infinity), "fraction": .double(0.1), "limit": .double(9_007_199_254_740_992), "above": .double(1e16),
        ]
        let body = try encode(event(EventBody(details: details))).body
        let stored = try #require(body["details"]?.object)
        #expect(stored["huge"] == "1e+300" && stored["above"] == "10000000000000000" && stored["int"] == "9223372036854775807")
        #expect(stored["whole"] == 3 && stored["zero"] == 0 && stored["nan"] == .null && stored["inf"] == .null)
        #expect(stored["limit"] == 9_007_199_254_740_992 && stored["fraction"] == 0.1)
    }

    static let large: [(String, EventBody)] = [
        ("a text of 10 MB", EventBody(details: ["text": .string(String(repeating: "password=x&é", count: 800_000))])),
        ("a name of 10 MB", EventBody(details: [String(repeating: "n", count: 10_000_000): 1])),
        ("100,000 details", EventBody(details: JSONObject((0..<100_000).map { ("key\($0)", .string("value \($0)")) }))),
        ("100,000 elements", EventBody(details: ["list": .array((0..<100_000).map { .int($0) })])),
        ("1,000 levels", EventBody(details: ["deep": (0..<1000).reduce(JSONValue.string("end")) { value, _ in ["a": value] }])),
        ("1,000 levels of arrays", EventBody(details: ["deep": (0..<1000).reduce(JSONValue.int(1)) { value, _ in [value] }])),
        ("controls that grow sixfold", EventBody(details: ["text": .string(String(repeating: "\u{1}", count: 50_000))])),
        (
            "large texts everywhere",
            {
                let text = String(repeating: "é\u{1}\"", count: 100_000)
                return EventBody(
                    actor: .init(id: text, name: text), client: .init(ip: text, userAgent: text), session: text,
                    token: .init(fingerprint: text, issuer: text, keyID: text, jti: text),
                    target: text, requestID: text, traceID: text, spanID: text, path: text, service: text,
                    details: ["a": .string(text), text: .string(text)])
            }()
        ),
        (
            "a tree",
            EventBody(details: ["t": (0..<8).reduce(JSONValue.string("leaf")) { value, _ in .array(Array(repeating: value, count: 8)) }])
        ),
    ]

    @Test("whatever is too large fits, is marked, and costs little", arguments: large.indices)
    func tooLarge(index: Int) throws {
        let (name, body) = Self.large[index]
        let event = event(body)
        var encoded: EncodedEvent?
        let took = try processorTime { encoded = try EventEncoder().encode(event, now: Self.now) }
        let stored = try #require(encoded)
        #expect(took < .seconds(5), "\(name) took \(took)")
        let object = try encode(event).body
        #expect((object["truncated"]?.object?["bytes"]?.int ?? 0) > 500, "\(name)")
        #expect(stored.body.count <= EventEncoder.maximumBodyBytes)
        #expect(!text(object).contains("password=x"))
    }

    @Test("what fits is not touched: one byte decides")
    func limit() throws {
        let empty = CanonicalJSON.encode(["path": ""]).count
        let most = String(repeating: "a", count: EventEncoder.maximumBodyBytes - empty)
        #expect(try encode(event(EventBody(path: most))).stored.body.count == EventEncoder.maximumBodyBytes)
        #expect(try encode(event(EventBody(path: most))).body["truncated"] == nil)
        let more = try encode(event(EventBody(path: most + "a"))).body
        #expect(more["truncated"] == ["bytes": .int(Int64(EventEncoder.maximumBodyBytes + 1))])
        #expect(more["path"]?.string?.hasSuffix("…[truncated \(most.utf8.count + 1 - 8192) bytes]") == true)
    }

    @Test("a text cut more than once tells all that is missing")
    func cutTwice() throws {
        let long = String(repeating: "x", count: 100_000)
        let details = JSONObject((0..<40).map { ("k\($0)", .string(long)) })
        let object = try encode(event(EventBody(details: details))).body
        let value = try #require(object["details"]?.object?.members.first?.value.string)
        let kept = value.utf8.prefix { $0 == UInt8(ascii: "x") }.count
        #expect(value.hasSuffix("…[truncated \(100_000 - kept) bytes]"))
    }

    @Test("no secret shows at the place of a cut")
    func cutSecrets() throws {
        for offset in stride(from: 7800, through: 8300, by: 20) {
            let text =
                String(repeating: "x ", count: offset / 2) + "https://al:hunter2hunter2@h/ password=hunter2 "
                + String(repeating: "y ", count: 40_000)
            let object = try encode(event(EventBody(path: text))).body
            #expect(!self.text(object).contains("hunter2"))
        }
    }

    @Test("headers of 1 MB are cut, and the leaf stays below 65,536 bytes")
    func headers() throws {
        let text = String(repeating: "\u{1}é\"", count: 250_000)
        let header = EventHeader(
            id: EventID(time: Self.now), tenant: text, source: text, type: EventType(text), outcome: .error, reason: text, method: text,
            route: text)
        let event = AuditEvent(header: header)
        let took = try processorTime { _ = try EventEncoder().encode(event, now: Self.now) }
        #expect(took < .seconds(2))
        let (stored, _) = try encode(event)
        var leaf = stored.header.json
        leaf["sealed_at"] = .string(Self.now.description)
        leaf["body_hash"] = .string(String(repeating: "0", count: 64))
        #expect(CanonicalJSON.encode(.object(leaf)).count + stored.body.count <= 65_535)
        #expect(stored.header.route?.hasSuffix("…") == true && (stored.header.route?.utf8.count ?? 0) <= 1024)
    }

    @Test("the future, and what has no tenant, source or type, are refused; the past and 10 minutes are not")
    func refusals() throws {
        #expect(throws: SinkRefusal.self) { try EventEncoder().encode(event(time: Self.now.advanced(bySeconds: 601)), now: Self.now) }
        #expect(throws: SinkRefusal.self) { try EventEncoder().encode(event(time: .maximum), now: Self.now) }
        #expect(throws: Never.self) { try EventEncoder().encode(event(time: Self.now.advanced(bySeconds: 600)), now: Self.now) }
        #expect(throws: Never.self) { try EventEncoder().encode(event(time: .epoch), now: Self.now) }
        for path in [\EventHeader.tenant, \EventHeader.source, \EventHeader.type.rawValue] {
            var event = event()
            event.header[keyPath: path] = ""
            #expect(throws: SinkRefusal.self) { try EventEncoder().encode(event, now: Self.now) }
        }
    }

    @Test("two encodings of one event differ in their salts")
    func salts() throws {
        let event = event()
        #expect(try encode(event).stored.salt != encode(event).stored.salt)
    }
}
