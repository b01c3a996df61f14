import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct BasicTests {
    @Test("the right password lets in, and is hashed once in a while, not at every request", arguments: Way.allCases)
    func good(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right: SECRET \u{e9}", roles: ["editor"])
        let made = bed.hasher.hashesDone
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for name in ["ann", "ANN", "ann"] {
                let response = try await client.basic(name, "right: SECRET \u{e9}")
                #expect(String(buffer: response.body) == #"ann ["editor"]"#)
            }
            #expect(bed.hasher.hashesDone == made + 1)
            #expect(bed.events(.loginSuccess).count == 1)
            #expect(bed.test.sink.requests.allSatisfy { $0.body.actor?.id == "id-ann" })
            bed.test.clock.advance(seconds: 60)
            #expect(try await client.basic("ann", "right: SECRET \u{e9}").status == .ok)
            #expect(bed.hasher.hashesDone == made + 2)
            for scheme in ["basic ", "BASIC    "] {
                let headers: HTTPFields = [.authorization: scheme + basicToken("ann:right: SECRET \u{e9}")]
                #expect(try await client.me(headers).status == .ok)
            }
        }
        #expect(!bed.test.sink.text.contains("SECRET"))
        #expect(!bed.test.sink.text.contains(basicToken("ann:right: SECRET \u{e9}").prefix(20)))
    }

    @Test("wrong, unknown, locked: a challenge or a time to wait, and one event of the refusal", arguments: Way.allCases)
    func bad(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for name in ["ann", "bob"] {
                for number in 1...3 {
                    let response = try await client.basic(name, "wrong \(number)")
                    #expect(response.status == .unauthorized)
                    #expect(response.headers[values: .wwwAuthenticate].contains(#"Basic realm="shop", charset="UTF-8""#))
                    #expect(bed.events(.loginFailure).count { $0.body.actor?.name == name } == number)
                }
                for password in ["wrong", "right password"] {
                    let response = try await client.basic(name, password)
                    #expect(response.status == .tooManyRequests)
                    #expect(response.headers[.retryAfter] == "900")
                    #expect(bed.events(.loginFailure).last?.header.reason == "locked")
                }
                #expect(bed.events(.loginLocked).last?.body.actor?.name == name)
            }
            #expect(bed.events(.loginFailure).count == 10)
            #expect(bed.events(.tokenRejected).isEmpty)
        }
    }

    @Test("what is remembered of a right password answers no guess", arguments: Way.allCases)
    func guesses(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(try await client.basic("ann", "right password").status == .ok)
            for number in 0..<3 { #expect(try await client.basic("ann", "guess \(number)").status == .unauthorized) }
            // The next guess is right, and had been remembered.
            #expect(try await client.basic("ann", "right password").status == .tooManyRequests)
        }
    }

    @Test("a change of the account is seen within a second", arguments: Way.allCases)
    func changes(_ way: Way) async throws {
        let bed = try SignInBed()
        let ann = try await bed.add("ann", "right password")
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            #expect(try await client.basic("ann", "right password").status == .ok)
            let reads = bed.accounts.readCount
            for _ in 0..<10 { #expect(try await client.basic("ann", "right password").status == .ok) }
            #expect(bed.accounts.readCount == reads)
            _ = try await bed.accounts.setRoles(["new"], of: ann.id)
            bed.test.clock.advance(seconds: 1)
            #expect(String(buffer: try await client.basic("ann", "right password").body) == #"ann ["new"]"#)
            _ = try await bed.accounts.setPasswordHash(bed.hasher.hash("another password"), of: ann.id, replacing: nil, at: nil)
            bed.test.clock.advance(seconds: 1)
            #expect(try await client.basic("ann", "right password").status == .unauthorized)
            #expect(try await client.basic("ann", "another password").status == .ok)
            _ = try await bed.accounts.setDisabled(bed.test.clock.now, of: ann.id)
            bed.test.clock.advance(seconds: 1)
            #expect(try await client.basic("ann", "another password").status == .unauthorized)
            #expect(bed.events(.loginFailure).last?.header.reason == "disabled")
            _ = try await bed.accounts.setDisabled(nil, of: ann.id)
            #expect(try await client.basic("ann", "another password").status == .ok)
            let enrolment = try await bed.users.beginSecondFactor(of: ann.id)
            _ = try await bed.users.confirmSecondFactor(
                of: ann.id, ticket: enrolment.ticket, code: enrolment.secret.code(at: bed.test.clock.now.microseconds / 1_000_000))
            bed.test.clock.advance(seconds: 1)
            #expect(try await client.basic("ann", "another password").status == .unauthorized)
            #expect(bed.events(.loginFailure).last?.header.reason == "second_factor_required")
        }
    }

    @Test("many requests at once with the same password cost one hash, and lock nobody out", arguments: Way.allCases)
    func atOnce(_ way: Way) async throws {
        let bed = try SignInBed(hasher: PasswordHasher(parameters: .cheap, concurrency: 1, queueLimit: 2))
        try await bed.add("ann", "right password")
        try await bed.test.application(bed.router(memorySeconds: 0)).test(way.setup) { (client) async throws in
            for _ in 0..<5 {
                try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                    for _ in 0..<2 { group.addTask { try await client.basic("ann", "right password").status } }
                    for try await status in group { #expect(status == .ok) }
                }
            }
        }
        #expect(bed.events(.loginFailure).isEmpty)
    }

    @Test("where nothing is to be remembered each request is judged", arguments: Way.allCases)
    func forgetful(_ way: Way) async throws {
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        let made = bed.hasher.hashesDone
        try await bed.test.application(bed.router(memorySeconds: 0)).test(way.setup) { (client) async throws in
            for _ in 0..<3 { #expect(try await client.basic("ann", "right password").status == .ok) }
        }
        #expect(bed.hasher.hashesDone == made + 3)
    }

    static let strange: [String] = [
        "", " ", "=", "==", "====", "a", "ab", "abc", "abcd", "a===", "YQ", "YQ=", "YQ==", "YW5u", basicToken("ann"),
        basicToken("ann:right password") + "=",
        basicToken("ann:right password") + "x", String(basicToken("ann:right password").dropLast()),
        basicToken("ann:right password").replacing("Y", with: "-"),
        basicToken("ann:right password") + " " + basicToken("ann:right password"),
        basicToken("ann:right password") + "," + basicToken("ann:right password"),
        "realm=\"shop\"", "username=\"ann\", password=\"x\"", "ann:right password", "*", "\"" + basicToken("ann:x") + "\"",
        basicToken("ann:\0"), basicToken("\0:x"),
        basicToken("ann\r\n:x"), basicToken("ann:x\r\nX-Evil: 1"), basicToken("ann:\u{7f}"), basicToken("ann:\u{1b}[2J"),
        basicToken([0xff, 0xfe, 0x3a, 0x61]),
        basicToken([0x61, 0x3a, 0xc0, 0x80]), basicToken([0x61, 0x3a, 0xed, 0xa0, 0x80]), basicToken([0x61, 0x3a, 0xe9]),
        basicToken("a:\u{85}"), basicToken([]),
        basicToken([0]), basicToken([UInt8](repeating: 0x41, count: 3)), String(repeating: "A", count: 2052),
        String(repeating: "A", count: 7000),
        String(repeating: "=", count: 1000), "YQ==YQ==", "Y Q = =", "YQ%3D%3D", "\\x00", "日本語", "🦊", "YTp4\u{301}", "YTp5Zg", "YTp5Zh==",
        "_-_-", "....",
    ]

    @Test("what is no Basic credential is refused before anything is asked or counted", arguments: Way.allCases)
    func hostile(_ way: Way) async throws {
        #expect(Self.strange.count >= 50)
        let bed = try SignInBed()
        try await bed.add("ann", "right password")
        let (reads, made) = (bed.accounts.readCount, bed.hasher.hashesDone)
        try await bed.test.application(bed.router()).test(way.setup) { (client) async throws in
            for text in Self.strange {
                let before = bed.events(.loginFailure).count
                let response = try await client.me([.authorization: "Basic " + text])
                #expect(response.status == .unauthorized, "\(text.prefix(40))")
                #expect(bed.events(.loginFailure).count == before + 1, "\(text.prefix(40))")
                #expect(bed.events(.loginFailure).last?.header.reason == "malformed", "\(text.prefix(40))")
            }
            #expect(bed.accounts.readCount == reads)
            #expect(bed.hasher.hashesDone == made)
            for other in ["Basically x", "Digest username=\"ann\"", "Bas", "Negotiate YQ==", "Basic\u{a0}x"] {
                #expect(try await client.me([.authorization: other]).status == .unauthorized)
                #expect(bed.events(.tokenRejected).last?.header.reason == "missing")
            }
            #expect(try await client.basic("ann", "right password").status == .ok)
        }
    }

    @Test("the first colon parts, an empty name is nobody's")
    func colons() {
        for (text, name, password) in [
            ("a:b", "a", "b"), ("a:b:c", "a", "b:c"), (":b", "", "b"), ("a:", "a", ""), (":", "", ""), ("a::", "a", ":"),
        ] {
            guard case .credentials(let read) = BasicCredentials.read("Basic " + basicToken(text)) else {
                Issue.record("\(text) is not read")
                continue
            }
            #expect((read.username, read.password) == (name, password))
        }
    }
}
