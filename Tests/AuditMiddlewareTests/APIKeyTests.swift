import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct APIKeyTests {
    @Test("a key lets in by either header, with its owner's roles at most, and is in no event", arguments: Way.allCases)
    func good(_ way: Way) async throws {
        let bed = try SignInBed()
        let ann = try await bed.add("ann", "right password", roles: ["editor", "reader"])
        let (own, _) = try await bed.keys.issue(owner: ann.id, label: "laptop", kind: .user, roles: ["reader", "admin"], scopes: ["books"])
        let (service, _) = try await bed.keys.issue(owner: "importer", label: "night job", roles: ["admin"])
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(String(buffer: try await client.me([.apiKey: own]).body) == #"ann ["reader"]"#)
            #expect(String(buffer: try await client.me([.authorization: "ApiKey \(own)"]).body) == #"ann ["reader"]"#)
            #expect(String(buffer: try await client.me([.authorization: "apikey   \(service)"]).body) == #"night job ["admin"]"#)
            let event = try #require(bed.test.sink.requests.first)
            #expect(event.body.actor == .init(id: ann.id, name: "ann"))
            #expect(event.body.token?.keyID == String(own.utf8.prefix(21)))
            #expect(event.body.token?.fingerprint == TestApplication.fingerprinter.fingerprint(own, purpose: .token))
            #expect(bed.test.sink.requests.last?.header.actorKind == .service)
            #expect(!bed.test.sink.text.contains(own))
            #expect(!bed.test.sink.text.contains(own.suffix(60)))
        }
    }

    @Test("revoked, expired, disabled, unknown, wrong: one answer, the reason in the event", arguments: Way.allCases)
    func bad(_ way: Way) async throws {
        let bed = try SignInBed()
        let now = bed.test.clock.now
        let ann = try await bed.add("ann", "right password")
        let revoked = try await bed.keys.issue(owner: "service", label: "a")
        _ = try await bed.keys.revoke(revoked.key.id, of: "service")
        let expired = try await bed.keys.issue(owner: "service", label: "b", expires: now)
        let disabled = try await bed.keys.issue(owner: ann.id, label: "c")
        _ = try await bed.accounts.setDisabled(now, of: ann.id)
        let wrong = try await bed.keys.issue(owner: "service", label: "d")
        var other = wrong.key
        (other.id, other.hash) = ("0123456789abcdef", [UInt8](repeating: 1, count: 32))
        _ = try await bed.accounts.insert(other, limit: 99, at: now, forgetting: now)
        let presented = Self.forged(wrong.text, id: other.id)
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            var answers: Set<String> = []
            for (key, reason, severity) in [
                (revoked.text, "revoked", Severity.high), (expired.text, "expired", .low), (disabled.text, "disabled", .high),
                (APIKey(prefix: "shop").text, "unknown_key", .medium), (presented, "wrong_secret", .medium),
                ("nonsense", "malformed", .low),
            ] {
                let response = try await client.me([.apiKey: key])
                #expect(response.status == .unauthorized)
                answers.insert(String(buffer: response.body))
                let event = try #require(bed.events(.tokenRejected).last)
                #expect(event.header.reason == reason)
                #expect(event.header.severity == severity)
                #expect((event.body.token != nil) == (reason != "malformed"))
                #expect(!bed.test.sink.text.contains(key))
            }
            #expect(answers.count == 1)
            let challenges = try await client.me([.apiKey: "nonsense"]).headers[values: .wwwAuthenticate]
            #expect(challenges == [#"Basic realm="shop", charset="UTF-8""#, #"ApiKey realm="shop", header="X-API-Key""#])
        }
    }

    /// The key with another id, and the checksum that fits.
    static func forged(_ text: String, id: String) -> String {
        let secret = text.split(separator: "_")[2].dropLast(8)
        let start = "shop_\(id)_\(secret)"
        return start + APIKey.checksum(of: start)
    }

    @Test("the store is asked once a second, and a revoked key is refused a second later", arguments: Way.allCases)
    func memory(_ way: Way) async throws {
        let bed = try SignInBed()
        let issued = try await bed.keys.issue(owner: "service", label: "a")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            let before = bed.accounts.readCount
            for _ in 0..<20 { #expect(try await client.me([.apiKey: issued.text]).status == .ok) }
            #expect(bed.accounts.readCount == before + 1)
            _ = try await bed.keys.revoke(issued.key.id, of: "service")
            bed.test.clock.advance(seconds: 1)
            #expect(try await client.me([.apiKey: issued.text]).status == .unauthorized)
        }
    }

    @Test("the last use is noted once a minute", arguments: Way.allCases)
    func lastUse(_ way: Way) async throws {
        let bed = try SignInBed()
        let issued = try await bed.keys.issue(owner: "service", label: "a")
        let start = bed.test.clock.now
        @Sendable func lastUsed() async throws -> Timestamp? { try await bed.accounts.key(issued.key.id)?.lastUsed }
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(try await lastUsed() == nil)
            for seconds in [0.0, 30, 29.5] {
                bed.test.clock.advance(seconds: seconds)
                _ = try await client.me([.apiKey: issued.text])
                #expect(try await lastUsed() == start)
            }
            bed.test.clock.advance(seconds: 0.5)
            _ = try await client.me([.apiKey: issued.text])
            #expect(try await lastUsed() == start.advanced(bySeconds: 60))
        }
    }

    @Test("issuing has bounds and events; a label or list is not endless")
    func issuing() async throws {
        let bed = try SignInBed()
        for prefix in ["", "Shop", "sh_op", "shöp", "a b", String(repeating: "x", count: 17)] {
            #expect(APIKeys(store: bed.accounts, prefix: prefix) == nil)
        }
        for label in [String(repeating: "x", count: 101), "a\0", "a\n", "\u{7f}"] {
            await #expect(throws: Problem.self) { try await bed.keys.issue(owner: "o", label: label) }
        }
        await #expect(throws: Problem.self) { try await bed.keys.issue(owner: "", label: "x") }
        await #expect(throws: Problem.self) { try await bed.keys.issue(owner: "o", label: "x", scopes: (0..<101).map(String.init)) }
        var texts: Set<String> = []
        for number in 0..<3 { texts.insert(try await bed.keys.issue(owner: "o", label: "\(number)").text) }
        #expect(texts.count == 3)
        await #expect(throws: Problem.self) { try await bed.keys.issue(owner: "o", label: "too many") }
        #expect(try await bed.keys.keys(of: "o").count == 3)
    }

    /// Nothing like it is a key; the store is not even asked.
    static let strange: [String] = {
        let good = "shop_0123456789abcdef_" + String(repeating: "a", count: 72)
        return [
            "x", "shop", "shop_", "shop__", "_", "__", "shop_0123456789abcdef_", good, good + "0", String(good.dropLast()), " " + good,
            good + " x", "SHOP" + good.dropFirst(4),
            "show" + good.dropFirst(4), good.uppercased(), good.replacing("_", with: "-"), good.replacing("_", with: "."),
            good + "," + good, good + "\t" + good,
            "Bearer " + good, "Basic " + good, "../" + good.dropFirst(3), "' or 1=1 --",
            "shop_' or 1=1 -- 12345_" + String(repeating: "a", count: 72),
            "shop_0123456789abcde\u{e9}_" + String(repeating: "a", count: 70), "null", "undefined", "true", "0", "-1", "[]", "{}", "%00",
            "%s%n", "${jndi:ldap://x}",
            "<script>", "*", "%", "\u{FEFF}" + good, "🦊", String(repeating: "_", count: 94), String(repeating: "a", count: 94),
            String(repeating: "0", count: 94),
            "shop_" + String(repeating: "_", count: 89), String(repeating: "a", count: 6000), "shop_" + String(repeating: "f", count: 6000),
            good + "=", "\"\(good)\"",
            "key=" + good, good + ";", "shop_0123456789ABCDEF_" + String(repeating: "a", count: 72),
            "shop_0123456789abcdeg_" + String(repeating: "a", count: 72),
            "shop_0123456789abcdef-" + String(repeating: "a", count: 72), "shop_0123456789abcdef_" + String(repeating: "g", count: 72),
        ]
    }()

    @Test("what is no key is refused without asking anybody", arguments: Way.allCases)
    func hostile(_ way: Way) async throws {
        #expect(Self.strange.count >= 50)
        let bed = try SignInBed()
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for text in Self.strange {
                let (events, reads) = (bed.events(.tokenRejected).count, bed.accounts.readCount)
                let response = try await client.me([.apiKey: text])
                #expect(response.status == .unauthorized, "\(text.prefix(40))")
                #expect(bed.events(.tokenRejected).count == events + 1)
                #expect(bed.events(.tokenRejected).last?.header.reason == "malformed")
                #expect(bed.accounts.readCount == reads)
            }
        }
    }

    @Test("two keys are refused as such, no key and a key in the query are none", arguments: Way.allCases)
    func ambiguous(_ way: Way) async throws {
        let bed = try SignInBed()
        let key = try await bed.keys.issue(owner: "service", label: "a").text
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            var twice = HTTPFields()
            twice.append(HTTPField(name: .apiKey, value: key))
            twice.append(HTTPField(name: .apiKey, value: key))
            #expect(try await client.me(twice).status == .badRequest)
            #expect(try await client.me([.apiKey: key, .authorization: "ApiKey \(key)"]).status == .badRequest)
            #expect(bed.events(.tokenRejected).last?.header.reason == "repeated_header")
            let query = try await client.execute(uri: "/me?api_key=\(key)&X-API-Key=\(key)", method: .get)
            #expect(query.status == .unauthorized)
            #expect(bed.events(.tokenRejected).last?.header.reason == "missing")
            #expect(try await client.me([.authorization: "ApiKeys \(key)"]).status == .unauthorized)
            #expect(bed.events(.tokenRejected).last?.header.reason == "missing")
            #expect(!bed.test.sink.text.contains(key.suffix(60)))
        }
    }
}
