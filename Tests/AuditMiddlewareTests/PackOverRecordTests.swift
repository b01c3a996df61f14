import AuditEvents
import AuditTesting
import Detection
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

/// What the recorder writes is what the rules of the pack look for. Live only: in process nobody has an address.
@Suite("The pack over what the middleware records") struct PackOverRecordTests {
    /// The titles of the rules that alert, and how many events each alert holds.
    static func alerts(_ test: TestApplication) throws -> [String: Int] {
        var engine = DetectionEngine(rules: try RuleSet.builtIn())
        let sealed = test.sink.events.enumerated().map {
            SealedEvent(shard: 0, index: Int64($0), sealedAt: test.clock.now, event: $1)
        }
        var titles: [AlertID: String] = [:]
        var counts: [String: Int] = [:]
        for change in engine.process(sealed) {
            switch change {
            case .open(let alert):
                titles[alert.id] = alert.ruleTitle
                counts[alert.ruleTitle] = alert.count
            case .extend(let more): counts[titles[more.id] ?? ""] = more.count
            case .merge: break
            }
        }
        return counts
    }

    @Test("tokens that are forged, guessed, expired")
    func tokens() async throws {
        let test = TestApplication()
        try await test.application(try BearerTests.router()).test(.live) { client in
            func me(_ token: String) async throws {
                _ = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + token])
            }
            try await me(Forge.part(#"{"alg":"nOnE","typ":"JWT"}"#) + "." + Forge.part(Forge.claims) + ".")
            for _ in 0..<10 { try await me(Forge.token(secret: [UInt8](repeating: 1, count: 32))) }
            for key in 0..<5 { try await me(Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"../\#(key)"}"#)) }
            for _ in 0..<5 { try await me(Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1}"#)) }
            for _ in 0..<3 { try await me(Forge.token()) }
        }
        let found = try Self.alerts(test)
        #expect(found["Token that says it needs no signature, or another algorithm"] == 1)
        #expect(found["Bad signatures from one address"] == 10)
        #expect(found["Tokens of many unknown keys"] == 5)
        #expect(found["Expired tokens used again and again"] == 5)
        #expect(found["Brute force over HTTP"] == nil)
    }

    @Test("a refresh token shown twice, and an access token after its sign-in ended")
    func spentTokens() async throws {
        let bed = try TokenBed()
        try await bed.test.application(bed.router()).test(.live) { client in
            let first = try await TokenBed.logIn(client)
            _ = try TokenBed.Pair(try await TokenBed.refresh(client, first.refresh))
            #expect(try Self.alerts(bed.test).isEmpty)
            _ = try await TokenBed.refresh(client, first.refresh)
            #expect(try await TokenBed.me(client, first.access).status == .unauthorized)
        }
        let found = try Self.alerts(bed.test)
        #expect(found["Refresh token used twice"] == 1)
        #expect(found["Revoked token or session used"] == 1)
    }

    @Test("rights that are missing, and rights given to oneself")
    func rights() async throws {
        let test = TestApplication()
        try await test.application(try BearerTests.router()).test(.live) { client in
            for _ in 0..<10 {
                let response = try await client.execute(uri: "/edit", method: .get, headers: [.authorization: "Bearer " + Forge.token()])
                #expect(response.status == .forbidden)
            }
        }
        #expect(try Self.alerts(test)["Authorization failures of one account"] == 10)

        let bed = try SignInBed()
        try await bed.add("mallory", "a good password", roles: ["clerk"])
        try await bed.add("bob", "another good password")
        let router = bed.router()
        let signedIn = router.group().add(
            middleware: Authentication<TestContext>(BasicAuthenticator(bed.signIn, realm: "shop", memorySeconds: 60, capacity: 16)))
        signedIn.post("roles/{id}") { _, context -> String in
            try await bed.users.setRoles(["admin"], of: try context.parameters.require("id"), in: context.audit)
            return "set"
        }
        try await bed.test.application(router).test(.live) { client in
            for id in ["id-mallory", "id-bob"] {
                let response = try await client.execute(
                    uri: "/roles/\(id)", method: .post, headers: [.authorization: "Basic " + basicToken("mallory:a good password")])
                #expect(response.status == .ok)
            }
        }
        let found = try Self.alerts(bed.test)
        #expect(found["Privileges granted to oneself"] == 1)
        #expect(found["Privileges changed"] == 1)
    }

    @Test("names that no account has")
    func names() async throws {
        let bed = try SignInBed()
        try await bed.test.application(bed.router()).test(.live) { client in
            for n in 0..<6 { _ = try await client.login("user\(n)", "wrong password") }
        }
        let found = try Self.alerts(bed.test)
        #expect(found["Account enumeration"] == 6)
        #expect(found["Brute force over HTTP"] == nil)
    }

    @Test("attacks in targets and user agents, on a router that refuses some of them itself")
    func attacks() async throws {
        let test = TestApplication()
        let router = RequestValidationTests.router()
        try await test.application(router).test(.live) { client in
            for target in ["/%252e%252e%252fetc%252fhostname", "/..%2f..%2fx", "/%2e%2e/%2e%2e/etc/passwd"] {
                _ = try await client.execute(uri: target, method: .get)
            }
            for target in ["/.env", "/.git/config", "/backup.sql", "/wp-config.php.bak"] {
                _ = try await client.execute(uri: target, method: .get)
            }
            for _ in 0..<5 { _ = try await client.execute(uri: "/x?%3Cscript%3E=1", method: .get) }
            _ = try await client.execute(uri: "/", method: .get, headers: [.userAgent: "sqlmap/1.8"])
        }
        let found = try Self.alerts(test)
        #expect(found["Path traversal"] == 3)
        #expect(found["Sensitive files asked for"] == 4)
        #expect(found["Cross-site scripting"] == 5)
        #expect(found["Security scanner"] == 1)
    }
}
