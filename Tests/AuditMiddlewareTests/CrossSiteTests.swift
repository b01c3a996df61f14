import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import AuditMiddleware

@Suite struct CrossSiteTests {
    /// Header fields of a request to shop.example, and the reason why it is refused; nil where it passes, `token` where a token must decide.
    static let cases: [([(String, String)], String?)] = [
        ([("Sec-Fetch-Site", "same-origin")], nil), ([("Sec-Fetch-Site", "none")], nil),
        ([("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example")], nil),
        ([("Sec-Fetch-Site", "same-site")], "same_site"), ([("Sec-Fetch-Site", "cross-site")], "cross_site"),
        ([("Sec-Fetch-Site", "cross-site"), ("Origin", "https://shop.example")], "cross_site"),
        ([("Sec-Fetch-Site", "cross-site"), ("Origin", "https://app.example")], nil),
        ([("Sec-Fetch-Site", "same-site"), ("Origin", "https://app.example")], nil),
        ([("Sec-Fetch-Site", "cross-site"), ("Origin", "http://app.example")], "cross_site"),
        ([("Sec-Fetch-Site", "cross-site"), ("Origin", "https://app.example.evil.example")], "cross_site"),
        ([("Sec-Fetch-Site", "Same-Origin")], "malformed_fetch_site"), ([("Sec-Fetch-Site", "")], "malformed_fetch_site"),
        ([("Sec-Fetch-Site", "same-origin, cross-site")], "malformed_fetch_site"),
        ([("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")], "repeated_header"),
        ([("Origin", "https://shop.example")], nil), ([("Origin", "https://shop.example:443")], nil),
        ([("Origin", "HTTPS://SHOP.example")], nil), ([("Origin", "https://app.example")], nil),
        ([("Origin", "http://shop.example")], "foreign_origin"), ([("Origin", "https://shop.example:8443")], "foreign_origin"),
        ([("Origin", "https://shop.example:4433")], "foreign_origin"), ([("Origin", "https://shop.example.")], "foreign_origin"),
        ([("Origin", "https://evil.example")], "foreign_origin"), ([("Origin", "https://shop.example.evil.example")], "foreign_origin"),
        ([("Origin", "https://evilshop.example")], "foreign_origin"),
        ([("Origin", "https://shop.example@evil.example")], "malformed_origin"),
        ([("Origin", "https://evil.example/shop.example")], "malformed_origin"),
        ([("Origin", "https://shop.example/")], "malformed_origin"),
        ([("Origin", "https://shop.example#")], "malformed_origin"), ([("Origin", "https://")], "malformed_origin"),
        ([("Origin", "https://:443")], "malformed_origin"), ([("Origin", "shop.example")], "malformed_origin"),
        ([("Origin", "//shop.example")], "malformed_origin"), ([("Origin", "file://shop.example")], "malformed_origin"),
        ([("Origin", "javascript:alert(1)")], "malformed_origin"),
        ([("Origin", "https://shop.example https://evil.example")], "malformed_origin"),
        ([("Origin", "https://shöp.example")], "malformed_origin"),
        ([("Origin", "https://shop.example\\.evil.example")], "malformed_origin"),
        ([("Origin", "https://shop.example%00.evil.example")], "malformed_origin"), ([("Origin", "")], "malformed_origin"),
        ([("Origin", String(repeating: "https://", count: 100))], "malformed_origin"), ([("Origin", "Null")], "malformed_origin"),
        ([("Origin", "https://shop.example"), ("Origin", "https://evil.example")], "repeated_header"), ([("Origin", "null")], "token"),
        ([("Origin", "null"), ("Referer", "https://shop.example/")], "token"),
        ([("Origin", "https://evil.example"), ("Referer", "https://shop.example/")], "foreign_origin"),
        ([("Referer", "https://shop.example/cart?x=1#y")], nil), ([("Referer", "https://shop.example")], nil),
        ([("Referer", "https://evil.example/https://shop.example/")], "foreign_referer"),
        ([("Referer", "https://evil.example?https://shop.example/")], "foreign_referer"),
        ([("Referer", "https://shop.example.evil.example/")], "foreign_referer"),
        ([("Referer", "http://shop.example/")], "foreign_referer"),
        ([("Referer", "https://shop.example@evil.example/")], "token"), ([("Referer", "about:blank")], "token"),
        ([("Referer", "")], "token"),
        ([("Referer", "https://shop.example/"), ("Referer", "https://shop.example/")], "repeated_header"), ([], "token"),
    ]

    static func fields(_ pairs: [(String, String)], _ more: HTTPFields = [:]) -> HTTPFields {
        var fields = more
        for (name, value) in pairs {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }

    @Test("the browser's word decides, in its order; what it does not say a token must")
    func policy() {
        let policy = CrossSitePolicy(
            acceptsSameSite: false, origins: Set(["https://app.example"].compactMap { SiteOrigin($0) }), acceptsPlainHTTP: false)
        #expect(Self.cases.count >= 50)
        for (fields, expected) in Self.cases {
            let verdict = policy.judge(Self.fields(fields), host: "shop.example")
            switch verdict {
            case .own: #expect(expected == nil, "\(fields)")
            case .foreign(let reason): #expect(expected == reason, "\(fields)")
            case .undecided: #expect(expected == "token", "\(fields)")
            }
        }
        let open = CrossSitePolicy(acceptsSameSite: true, origins: [], acceptsPlainHTTP: true)
        #expect(open.judge(Self.fields([("Sec-Fetch-Site", "same-site")]), host: "a") == .own)
        #expect(open.judge(Self.fields([("Origin", "http://127.0.0.1:8080")]), host: "127.0.0.1:8080") == .own)
        #expect(open.judge(Self.fields([("Origin", "http://[::1]:80")]), host: "[::1]") == .own)
        #expect(open.judge(Self.fields([("Origin", "http://[::80]")]), host: "[::80]") == .own)
        #expect(open.judge(Self.fields([("Origin", "http://[::80]")]), host: "[:") != .own)
        #expect(open.judge(Self.fields([("Origin", "https://x")]), host: nil) == .foreign(reason: "foreign_origin"))
    }

    @Test("requests from elsewhere with a session's cookie are 403 and one event; safe methods and tokens pass", arguments: Way.allCases)
    func middleware(_ way: Way) async throws {
        let bed = SessionBed()
        let guarding = CrossSiteGuard<TestContext>(tokens: bed.tokens, origins: ["https://app.example"])
        try await bed.test.application(try bed.router(guarded: true, guarding)).test(way.setup) { client in
            let cookie = try await SessionBed.signIn(client)
            for (pairs, expected) in Self.cases
            where !pairs.contains(where: {
                $0.0 == "Origin" && $0.1.hasPrefix("https://shop.example") || $0.0 == "Origin" && $0.1.hasPrefix("HTTPS://SHOP")
                    || $0.0 == "Referer" && $0.1.hasPrefix("https://shop.example")
            }) {
                let before = bed.test.sink.events.count
                let response = try await client.execute(uri: "/act", method: .post, headers: Self.fields(pairs, [.cookie: cookie]))
                #expect(response.status == (expected == nil ? .ok : .forbidden), "\(pairs)")
                let events = bed.test.sink.events[before...]
                #expect(events.map(\.header.type) == (expected == nil ? [.httpRequest] : [.maliciousCORS, .httpRequest]), "\(pairs)")
                if let expected { #expect(events.first?.header.reason == (expected == "token" ? "missing_csrf_token" : expected)) }
                #expect(events.first?.body.actor?.id == "ann")
            }
            let foreign: HTTPFields = [.origin: "https://evil.example", .cookie: cookie]
            #expect(try await client.execute(uri: "/me", method: .get, headers: foreign).status == .ok)
            var bearer: HTTPFields = [.origin: "https://evil.example", .authorization: "Bearer " + Forge.token()]
            bearer[.secFetchSite] = "cross-site"
            #expect(try await client.execute(uri: "/act", method: .post, headers: bearer).status == .ok)
            bed.expectNoSecrets([cookie])
        }
    }

    @Test("a token in the header or the form stands in where the browser says nothing, for its own session only", arguments: Way.allCases)
    func tokens(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router(guarded: true)).test(way.setup) { client in
            let (ann, bob) = (try await SessionBed.signIn(client), try await SessionBed.signIn(client, "bob"))
            @Sendable func token(_ cookie: String) async throws -> String {
                String(buffer: try await client.execute(uri: "/csrf", method: .get, headers: [.cookie: cookie]).body)
            }
            let (mine, again, theirs) = (try await token(ann), try await token(ann), try await token(bob))
            #expect(mine != again)
            #expect(mine.utf8.count == 64)
            @Sendable func act(_ token: String?, form: String? = nil, cookie: String, type: String = "application/x-www-form-urlencoded")
                async throws
                -> TestResponse
            {
                var headers: HTTPFields = [.cookie: cookie]
                if let token { headers[.csrfToken] = token }
                if form != nil { headers[.contentType] = type }
                return try await client.execute(uri: "/act", method: .post, headers: headers, body: form.map { ByteBuffer(string: $0) })
            }
            for good in [mine, again] {
                #expect(try await act(good, cookie: ann).status == .ok)
                let response = try await act(nil, form: "a=1&a=2&csrf_token=\(good)", cookie: ann)
                // The handler still reads the whole form.
                #expect(String(buffer: response.body) == "did \("a=1&a=2&csrf_token=\(good)".utf8.count)")
                #expect(
                    try await act(nil, form: "csrf_token=\(good)", cookie: ann, type: "Application/X-WWW-Form-URLencoded; charset=utf-8")
                        .status == .ok)
            }
            let bad = [
                theirs, "", "x", String(mine.dropLast()), mine + "A", String(mine.reversed()), mine.lowercased(),
                String(repeating: "A", count: 64), mine.replacing("A", with: "B", maxReplacements: 1) + "",
                String(repeating: "é", count: 32), String(repeating: "z", count: 5000),
            ].filter { $0 != mine }
            for token in bad {
                let before = bed.test.sink.events.count
                #expect(try await act(token, cookie: ann).status == .forbidden)
                #expect(bed.test.sink.events[before...].map(\.header.reason) == ["bad_csrf_token", "bad_csrf_token"])
            }
            for form in [
                "csrf_token=\(theirs)", "csrf_token=\(mine)&csrf_token=\(mine)", "csrf_token", "csrf_token=%zz", "x=\(mine)", "%", "",
            ] {
                #expect(try await act(nil, form: form, cookie: ann).status == .forbidden, "\(form)")
            }
            #expect(try await act(nil, form: "csrf_token=\(mine)", cookie: ann, type: "text/plain").status == .forbidden)
            #expect(
                try await act(nil, form: "csrf_token=\(mine)", cookie: ann, type: "multipart/form-data; boundary=x").status == .forbidden)
            #expect(try await act(nil, form: "a=\(String(repeating: "x", count: 70_000))", cookie: ann).status == .contentTooLarge)
            #expect(!bed.test.sink.text.contains(mine))
        }
    }

    @Test("a sign-in from another site is refused where nobody's requests are judged too", arguments: Way.allCases)
    func anonymous(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.group().add(middleware: CrossSiteGuard(scope: .sessionsAndAnonymous)).post("login") { _, _ in "in" }
        try await test.application(router).test(way.setup) { client in
            for (pairs, status) in [
                ([("Sec-Fetch-Site", "cross-site")], 403), ([("Origin", "https://evil.example")], 403), ([("Origin", "null")], 403),
                ([("Sec-Fetch-Site", "same-origin")], 200), ([], 200),
            ] as [([(String, String)], Int)] {
                let response = try await client.execute(uri: "/login", method: .post, headers: Self.fields(pairs))
                #expect(response.status.code == status)
            }
            #expect(test.sink.events(.maliciousCORS).map(\.header.reason) == ["cross_site", "foreign_origin", "null_origin"])
        }
    }
}
