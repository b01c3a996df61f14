import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct PasswordSignInTests {
    @Test("the right password lets in, however the name is written, and the event says with what", arguments: Way.allCases)
    func success(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "plain-SECRET words", roles: ["editor"])
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for name in ["ann", "Ann", "ANN"] {
                #expect(String(buffer: try await client.login(name, "plain-SECRET words").body) == "ann by password")
            }
        }
        let events = bed.events(.loginSuccess)
        #expect(events.count == 3)
        #expect(events.allSatisfy { $0.body.actor == .init(id: "id-ann", name: "ann") && $0.body.details["factor"] == "password" })
        #expect(events.allSatisfy { $0.header.actorKind == .user && $0.header.outcome == .success })
        #expect(!bed.test.sink.text.contains("SECRET"))
        #expect(!bed.test.sink.text.contains("scrypt"))
    }

    @Test("wrong, unknown, disabled: one answer, the same work, and the reason in the event alone", arguments: Way.allCases)
    func failure(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        let carl = try await bed.add("carl", "right password")
        _ = try await bed.accounts.setDisabled(bed.test.clock.now, of: carl.id)
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            var answers: Set<String> = []
            for (name, password, reason) in [
                ("ann", "wrong password", "bad_password"), ("bob", "right password", "unknown_account"),
                ("carl", "right password", "disabled"),
                ("no name", "x", "unknown_account"), ("", "", "unknown_account"),
            ] {
                let before = bed.hasher.hashesDone
                let response = try await client.login(name, password)
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate] == "Login realm=\"shop\"")
                answers.insert(String(buffer: response.body))
                #expect(bed.hasher.hashesDone == before + 1)
                let event = try #require(bed.events(.loginFailure).last)
                #expect(event.header.reason == reason)
                #expect(event.header.outcome == .failure)
                #expect(event.body.details["failures"] == 1)
                #expect(bed.test.sink.requests.last?.header.reason == reason)
            }
            #expect(answers.count == 1)
        }
        #expect(bed.events(.loginFailure).map(\.body.actor?.id) == ["id-ann", nil, "id-carl", nil, nil])
        #expect(bed.events(.loginFailure).map(\.body.actor?.name) == ["ann", "bob", "carl", "no name", ""])
    }

    @Test("three failures lock, a known account as an unknown one; a right password is refused as a wrong one", arguments: Way.allCases)
    func lockout(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            var answers: Set<String> = []
            for name in ["ann", "nobody"] {
                let start = bed.test.sink.events.count
                for _ in 0..<3 { #expect(try await client.login(name, "wrong").status == .unauthorized) }
                let types = bed.test.sink.events[start...].map(\.header.type).filter { $0 != .httpRequest }
                #expect(types == [.loginFailure, .loginFailure, .loginFailure, .loginFailureMaximum, .loginLocked])
                let scopes: [JSONValue] = way == .live ? ["account", "account_and_address"] : ["account"]
                let lock = try #require(bed.events(.loginLocked).last)
                #expect(lock.body.details["scopes"] == .array(scopes))
                #expect(lock.body.details["failures"] == 3)
                #expect(lock.body.details["lock_seconds"] == 900)
                #expect(lock.header.severity == .medium)
                #expect(lock.body.actor?.name == name)
                let work = bed.hasher.hashesDone
                for password in ["wrong", "right password"] {
                    let response = try await client.login(name, password)
                    #expect(response.status == .tooManyRequests)
                    #expect(response.headers[.retryAfter] == "900")
                    #expect(response.headers[.contentType] == "application/problem+json")
                    answers.insert(String(buffer: response.body))
                    #expect(bed.events(.loginFailure).last?.header.reason == "locked")
                    #expect(bed.events(.loginFailure).last?.header.outcome == .denied)
                }
                #expect(bed.hasher.hashesDone == work)
            }
            #expect(answers.count == 1)
            bed.test.clock.advance(seconds: 899.5)
            #expect(try await client.login("ann", "right password").headers[.retryAfter] == "1")
            bed.test.clock.advance(seconds: 0.5)
            #expect(String(buffer: try await client.login("ann", "right password").body) == "ann by password")
            let event = try #require(bed.events(.loginSuccessAfterFailure).last)
            #expect(event.body.details["failures"] == 3)
            #expect(bed.events(.loginSuccess).isEmpty)
            // Forgotten: three more until the next lock.
            for _ in 0..<2 { #expect(try await client.login("ann", "wrong").status == .unauthorized) }
            #expect(try await client.login("ann", "right password").status == .ok)
        }
    }

    @Test("guesses at once get no more tries than the limit", arguments: Way.allCases)
    func parallel(_ way: Way) async throws {
        let bed = try SignInBed(hasher: PasswordHasher(parameters: .cheap, concurrency: 2, queueLimit: 100))
        try await bed.add("ann", "right password")
        let made = bed.hasher.hashesDone
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for number in 0..<30 { group.addTask { try await client.login("ann", "guess \(number)").status } }
                for try await status in group { #expect([.unauthorized, .tooManyRequests].contains(status)) }
            }
            #expect(try await client.login("ann", "right password").status == .tooManyRequests)
        }
        #expect(bed.hasher.hashesDone - made == 3)
        #expect(bed.events(.loginFailure).count == 31)
    }

    @Test("an address is locked by failures at many names", arguments: [Way.live])
    func address(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for number in 0..<30 { #expect(try await client.login("name-\(number)", "wrong").status == .unauthorized) }
            #expect(try await client.login("ann", "right password").status == .tooManyRequests)
            #expect(bed.events(.loginLocked).last?.body.details["scopes"] == .array(["address"]))
            #expect(bed.events(.loginFailure).last?.body.details["locked_by"] == .array([.string("address")]))
        }
    }

    @Test("an old hash is replaced at the next sign-in", arguments: Way.allCases)
    func upgrade(_ way: Way) async throws {
        let bed = try SignInBed()
        let old = PasswordHashTests.pbkdf2("right password", salt: Array("0123456789abcdef".utf8), iterations: 10)
        _ = try await bed.accounts.create(StoredAccount(id: "a", username: "ann", passwordHash: old, created: bed.test.clock.now))
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(try await client.login("ann", "wrong").status == .unauthorized)
            #expect(try await bed.accounts.account(id: "a")?.passwordHash == old)
            for _ in 0..<2 { #expect(try await client.login("ann", "right password").status == .ok) }
        }
        #expect(try await bed.accounts.account(id: "a")?.passwordHash.hasPrefix("$scrypt$") == true)
        #expect(bed.events(.loginSuccessAfterFailure).map { $0.body.details["upgraded"] } == [true])
        #expect(bed.events(.loginSuccess).map { $0.body.details["upgraded"] } == [nil])
    }

    @Test("more than can be hashed is told to come back, and costs no try", arguments: Way.allCases)
    func busy(_ way: Way) async throws {
        let bed = try SignInBed(hasher: PasswordHasher(parameters: .cheap, concurrency: 1, queueLimit: 0))
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            let gate = BlockingGate()
            let other = Task { try await bed.hasher.queue.run { gate.pass() } }
            while !bed.hasher.isFull { await Task.yield() }
            for _ in 0..<10 {
                for response in [try await client.login("ann", "wrong"), try await client.basic("ann", "wrong")] {
                    #expect(response.status == .serviceUnavailable)
                    #expect(response.headers[.retryAfter] == "2")
                    #expect(bed.events(.loginFailure).last?.header.reason == "too_busy")
                    #expect(bed.events(.loginFailure).last?.header.outcome == .error)
                }
            }
            #expect(bed.events(.loginFailure).count == 20)
            gate.open()
            try await other.value
            while bed.hasher.isFull { await Task.yield() }
            #expect(try await client.login("ann", "right password").status == .ok)
            #expect(bed.events(.loginSuccess).count == 1)
        }
    }

    @Test("a second factor: wanted, right, used, wrong, recovered", arguments: Way.allCases)
    func secondFactor(_ way: Way) async throws {
        let bed = try SignInBed()
        let account = try await bed.add("ann", "right password")
        let enrolment = try await bed.users.beginSecondFactor(of: account.id)
        let secret = enrolment.secret
        @Sendable func code() -> String { secret.code(at: bed.test.clock.now.microseconds / 1_000_000) }
        let recovery = try await bed.users.confirmSecondFactor(of: account.id, ticket: enrolment.ticket, code: code())
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            let wanted = try await client.login("ann", "right password")
            #expect(wanted.status == .unauthorized)
            #expect(String(buffer: wanted.body).contains("second-factor-required"))
            #expect(bed.events(.secondFactorRequired).count == 1)
            // The code that confirmed the setup is used up.
            #expect(try await client.login("ann", "right password", code()).status == .unauthorized)
            #expect(bed.events(.loginFailure).last?.header.reason == "code_reused")
            bed.test.clock.advance(seconds: 30)
            let next = code()
            #expect(String(buffer: try await client.login("ann", "right password", next).body) == "ann by password+totp")
            let again = try await client.login("ann", "right password", next)
            #expect(again.status == .unauthorized)
            #expect(String(buffer: again.body).contains("Unknown user or wrong password."))
            #expect(String(buffer: try await client.login("ann", "right password", recovery[0]).body) == "ann by password+recovery_code")
            #expect(try await client.login("ann", "right password", recovery[0]).status == .unauthorized)
            // Codes are guessed against the same limit.
            for _ in 0..<2 { _ = try await client.login("ann", "right password", "000000") }
            #expect(try await client.login("ann", "right password", recovery[1]).status == .tooManyRequests)
        }
        for secret in [secret.base32, recovery[0], recovery[1]] { #expect(!bed.test.sink.text.contains(secret)) }
        let stored = try #require(try await bed.accounts.account(id: account.id)?.secondFactor)
        #expect(stored.recoveryCodes.count == 9)
    }

    @Test("a setup expires, holds for its account alone, and wants a right code")
    func enrolment() async throws {
        let bed = try SignInBed()
        let ann = try await bed.add("ann", "right password")
        let bob = try await bed.add("bob", "right password")
        let enrolment = try await bed.users.beginSecondFactor(of: ann.id)
        @Sendable func code() -> String { enrolment.secret.code(at: bed.test.clock.now.microseconds / 1_000_000) }
        for (id, ticket, code) in [
            (bob.id, enrolment.ticket, code()), (ann.id, enrolment.ticket + "A", code()), (ann.id, "", code()),
            (ann.id, enrolment.ticket, "12"),
            (ann.id, String(repeating: "A", count: 100_000), code()), ("nobody", enrolment.ticket, code()),
            ("\0", enrolment.ticket, code()),
        ] {
            await #expect(throws: Problem.self) { try await bed.users.confirmSecondFactor(of: id, ticket: ticket, code: code) }
        }
        bed.test.clock.advance(seconds: 600)
        await #expect(throws: Problem.self) { try await bed.users.confirmSecondFactor(of: ann.id, ticket: enrolment.ticket, code: code()) }
        bed.test.clock.advance(seconds: -1)
        #expect(try await bed.users.confirmSecondFactor(of: ann.id, ticket: enrolment.ticket, code: code()).count == 10)
        await #expect(throws: Problem.self) { try await bed.users.beginSecondFactor(of: ann.id) }
    }

    static let strange: [String] = [
        "", " ", "\0", "a\0", "\u{7f}", "ann\r", "ann\u{301}", "аnn", "ａnn", "ann ", " ann", "' or '1'='1", "'; drop table account; --",
        "admin'--", "*", "%", "_",
        "../../etc/passwd", "{\"$ne\":null}", "[object Object]", "null", "undefined", "true", "0", "-1", "1e309", "NaN", "${jndi:ldap://x}",
        "{{7*7}}", "<script>",
        "%00", "%0a", "\\u0000", "\u{FFFD}", "\u{FEFF}", "\u{202E}nna", "🦊", "\u{1F468}\u{200D}\u{1F469}", "ann:pw", "ann;", "ann,bob",
        "(cn=*)", "*)(uid=*))(|(uid=*",
        "ann|id", "`id`", "$(id)", "\"", "\\", "a b", "ann@", "@", "-", ".", String(repeating: "a", count: 65),
        String(repeating: "a", count: 256),
        String(repeating: "a", count: 257), String(repeating: "é", count: 5000), String(repeating: "a", count: 200_000),
    ]

    @Test("strange names and passwords are wrong ones: one answer, one event, nothing lost", arguments: Way.allCases)
    func hostile(_ way: Way) async throws {
        #expect(Self.strange.count >= 50)
        let bed = try SignInBed(policy: LockoutPolicy(account: LockoutPolicy.standardTiers, address: [], both: []))
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for (number, text) in Self.strange.enumerated() {
                for (name, password) in [(text, "x"), ("name-\(number)", text)] {
                    let before = bed.events(.loginFailure).count
                    let response = try await client.login(name, password)
                    #expect(response.status == .unauthorized, "\(text.prefix(40))")
                    #expect(bed.events(.loginFailure).count == before + 1)
                    #expect((bed.events(.loginFailure).last?.body.actor?.name?.utf8.count ?? 0) <= 256)
                }
            }
            #expect(try await client.login("ann", "right password").status == .ok)
        }
    }

    @Test("a password is changed by who knows it, by the same limit", arguments: Way.allCases)
    func change(_ way: Way) async throws {
        let bed = try SignInBed()
        let ann = try await bed.add("ann", "right password")
        @Sendable func change(_ client: any TestClientProtocol, _ current: String, _ new: String) async throws -> TestResponse {
            let key = try await bed.keys.issue(owner: ann.id, label: "x")
            defer { _ = key }
            let response = try await client.execute(
                uri: "/password", method: .post, headers: [.apiKey: key.text], body: ByteBuffer(string: "\(current)\n\(new)"))
            _ = try await bed.keys.revoke(key.key.id, of: ann.id)
            return response
        }
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(try await change(client, "wrong", "another-SECRET one").status == .unauthorized)
            #expect(bed.events(.passwordChangeFailure).last?.header.reason == "bad_password")
            #expect(try await change(client, "right password", "password").status == .badRequest)
            #expect(bed.events(.passwordChangeFailure).last?.header.reason == "password_common")
            #expect(try await change(client, "right password", "another-SECRET one").status == .ok)
            #expect(bed.events(.passwordChange).count == 1)
            #expect(try await client.login("ann", "right password").status == .unauthorized)
            #expect(try await client.login("ann", "another-SECRET one").status == .ok)
            for _ in 0..<3 { #expect(try await change(client, "wrong", "one more of them").status == .unauthorized) }
            let locked = try await change(client, "another-SECRET one", "one more of them")
            #expect(locked.status == .tooManyRequests)
            #expect(locked.headers[.retryAfter] == "900")
        }
        #expect(!bed.test.sink.text.contains("SECRET"))
    }
}
