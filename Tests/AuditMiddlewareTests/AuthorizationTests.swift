import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

extension TestApplication {
    static func auditedRouter(recordsAllowed: Bool = false) -> AuditedRouter<TestContext> {
        AuditedRouter(permissions: ["editor": ["books:write"]], recordsAllowedDecisions: recordsAllowed)
    }

    func application(_ router: AuditedRouter<TestContext>) throws -> some ApplicationProtocol {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let recorder = AuditRecorder(
            sink: sink,
            configuration: .init(source: "shop", fingerprinter: Self.fingerprinter, tenant: "acme", clock: clock.clock), logger: logger)
        return Application(
            responder: try recorder.wrap(router), configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
    }
}

@Suite struct AuthorizationTests {
    struct Away: Error {}

    static func router(required: Bool = true, recordsAllowed: Bool = false) -> AuditedRouter<TestContext> {
        let router = TestApplication.auditedRouter(recordsAllowed: recordsAllowed)
        let api = router.group().add(middleware: Authentication(HeaderAuthenticator(), required: required))
        api.get("open", policy: .anyone) { _, _ in "ok" }
        api.get("books", policy: .scope("books:read")) { _, _ in "ok" }
        api.post("books", policy: .permission("books:write")) { _, _ in "ok" }
        api.get("users/:user/notes", policy: .anyOf(.role("admin"), .allOf(.scope("notes"), .owner(of: "user")))) { _, _ in "ok" }
        api.get("broken", policy: .check("ledger") { _ in throw Away() }) { _, _ in "ok" }
        let administration = api.group("admin", policy: .role("admin"), privileged: true)
        administration.get("keys", policy: .scope("keys")) { _, _ in "ok" }
        return router
    }

    @Test("each is let in as the policy says; 403 names the scopes, the event what is missing", arguments: Way.allCases)
    func decisions(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(way.setup) { client in
            let cases: [(HTTPRequest.Method, String, String, Int, String?, String?, [JSONValue])] = [
                (.get, "/open", "ann", 200, nil, nil, []), (.get, "/books", "ann - books:read", 200, nil, nil, []),
                (
                    .get, "/books", "ann", 403, #"Bearer realm="shop", error="insufficient_scope", scope="books:read""#, "missing_scope",
                    ["scope:books:read"]
                ),
                (.post, "/books", "ann editor", 200, nil, nil, []),
                (
                    .post, "/books", "ann reader", 403, #"Bearer realm="shop", error="insufficient_scope""#, "missing_permission",
                    ["permission:books:write"]
                ),
                (.get, "/users/ann/notes", "ann - notes", 200, nil, nil, []), (.get, "/users/bob/notes", "ann admin", 200, nil, nil, []),
                (
                    .get, "/users/bob/notes", "ann - notes", 403, #"Bearer realm="shop", error="insufficient_scope""#, "policy_denied",
                    ["role:admin", "owner(user)"]
                ),
                (
                    .get, "/users/an%6e/notes", "ann - notes", 403, #"Bearer realm="shop", error="insufficient_scope""#, "policy_denied",
                    ["role:admin", "owner(user)"]
                ),
                (
                    .get, "/admin/keys", "ann admin", 403, #"Bearer realm="shop", error="insufficient_scope", scope="keys""#,
                    "missing_scope",
                    ["scope:keys"]
                ),
                (
                    .get, "/admin/keys", "ann - keys", 403, #"Bearer realm="shop", error="insufficient_scope""#, "missing_role",
                    ["role:admin"]
                ),
                (.get, "/admin/keys", "ann admin keys", 200, nil, nil, []),
            ]
            for (method, uri, user, status, challenge, reason, missing) in cases {
                let before = test.sink.events.count
                let response = try await client.execute(uri: uri, method: method, headers: [HeaderAuthenticator.name: user])
                #expect(response.status.code == status, "\(method) \(uri) \(user)")
                #expect(response.headers[.wwwAuthenticate] == challenge)
                let events = test.sink.events[before...]
                #expect(events.map(\.header.type) == (status == 403 ? [.authorizationFailure, .httpRequest] : [.httpRequest]))
                #expect(events.last?.header.privileged == (uri == "/admin/keys" && missing != ["role:admin"]))
                guard status == 403, let event = events.first else { continue }
                #expect(event.header.outcome == .denied)
                #expect(event.header.reason == reason)
                #expect(event.header.severity == .medium)
                #expect(event.body.actor?.id == "ann")
                #expect(event.body.details["missing"] == .array(missing))
                #expect(event.body.details["policy"]?.string?.isEmpty == false)
                #expect(!String(buffer: response.body).contains("role"))
            }
        }
    }

    @Test("nobody is told how to sign in, unless the policy is anyone's", arguments: Way.allCases)
    func nobody(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router(required: false)).test(way.setup) { client in
            #expect(try await client.execute(uri: "/open", method: .get).status == .ok)
            #expect(test.sink.events.count == 1)
            for uri in ["/books", "/users/ann/notes", "/admin/keys"] {
                let before = test.sink.events.count
                let response = try await client.execute(uri: uri, method: .get)
                #expect(response.status == .unauthorized)
                #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"shop\"")
                #expect(test.sink.events[before...].map(\.header.type) == [.tokenRejected, .httpRequest])
                #expect(test.sink.events[before].header.reason == "missing")
            }
        }
    }

    @Test("a check that cannot be made is an error, not a permission", arguments: Way.allCases)
    func unavailableCheck(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(way.setup) { client in
            let response = try await client.execute(uri: "/broken", method: .get, headers: [HeaderAuthenticator.name: "ann admin"])
            #expect(response.status == .internalServerError)
            #expect(test.sink.requests.last?.header.reason == "unhandled_error")
        }
    }

    @Test("those let in are recorded where that is asked for", arguments: Way.allCases)
    func allowed(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router(recordsAllowed: true)).test(way.setup) { client in
            _ = try await client.execute(uri: "/admin/keys", method: .get, headers: [HeaderAuthenticator.name: "ann admin keys"])
            #expect(test.sink.events.map(\.header.type) == [.authorizationSuccess, .authorizationSuccess, .httpRequest])
            #expect(test.sink.events.compactMap { $0.body.details["policy"] } == ["role:admin", "scope:keys"])
            #expect(test.sink.events.allSatisfy { $0.header.privileged && $0.header.outcome == .success })
        }
    }

    @Test("a group that denies by default answers 403 for what nobody decided about", arguments: Way.allCases)
    func denied(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.auditedRouter()
        let group = router.denyingByDefault(.denied)
        group.get("forgotten") { _, _ in "SECRET" }
        group.get("decided", policy: .anyone) { _, _ in "ok" }
        group.group(policy: .anyone).get("within") { _, _ in "ok" }
        router.get("outside") { _, _ in "ok" }
        try await test.application(router).test(way.setup) { client in
            for (uri, status) in [("/forgotten", 403), ("/decided", 200), ("/within", 200), ("/outside", 200)] {
                let response = try await client.execute(uri: uri, method: .get)
                #expect(response.status.code == status, "\(uri)")
            }
            #expect(test.sink.events(.authorizationFailure).map(\.header.reason) == ["no_policy"])
            #expect(test.sink.events(.authorizationFailure).map(\.header.route) == ["/forgotten"])
            #expect(!test.sink.text.contains("SECRET"))
        }
    }

    @Test("or keeps the router from starting, and names the routes; so does an owner of what is not in the path")
    func refused() throws {
        let router = TestApplication.auditedRouter()
        let group = router.denyingByDefault()
        group.get("forgotten") { _, _ in "ok" }
        group.group("deep").post("er/:id") { _, _ in "ok" }
        group.add(middleware: Authentication(HeaderAuthenticator())).get("signed") { _, _ in "ok" }
        router.get("users/:id", policy: .not(.owner(of: "user"))) { _, _ in "ok" }
        let error = #expect(throws: RoutingError.self) { try TestApplication().application(router) }
        #expect(error?.undecided == ["GET /forgotten", "POST /deep/er/{id}", "GET /signed"])
        #expect(error?.unknownParameters == ["GET /users/{id} (user)"])
        #expect(error?.description.contains("no policy for GET /forgotten, POST /deep/er/{id}, GET /signed") == true)
    }

    @Test("the listing tells of each route what is before it, however it was added")
    func listing() throws {
        let router = TestApplication.auditedRouter()
        router.add(middleware: RateLimit(.init(name: "general", limit: 3, windowSeconds: 60)))
        let api = router.group("api").add(middleware: Authentication(HeaderAuthenticator()))
        api.get("plain") { _, _ in "ok" }
        let group = api.group("x", policy: .role("a"), privileged: true)
        group.get(policy: .role("a")) { _, _ in "ok" }
        group.put("{id}", policy: .scope("b")) { _, _ in "ok" }
        // A group that is Hummingbird's own is listed with what is around it.
        func add(_ routes: some RouterMethods<TestContext>) { routes.group("theirs").delete("y") { _, _ in "ok" } }
        add(group)
        let rows = router.routes.routes.map { route in
            "\(route.method.rawValue) \(route.template) \(route.policyText) \(route.schemes.map(\.name)) \(route.isPrivileged) \(route.limits)"
        }
        #expect(
            rows == [
                #"GET /api/plain authenticated ["bearer"] false ["general"]"#, #"GET /api/x role:a ["bearer"] true ["general"]"#,
                #"DELETE /api/x/theirs/y role:a ["bearer"] true ["general"]"#,
                #"PUT /api/x/{id} allOf(role:a, scope:b) ["bearer"] true ["general"]"#,
            ])
    }
}
