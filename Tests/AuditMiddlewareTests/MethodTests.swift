import AuditEvents
import AuditMiddleware
import AuditTesting
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

/// Methods that a path has, and those that it does not have.
@Suite struct MethodTests {
    static func router() -> AuditedRouter<TestContext> {
        let router = TestApplication.auditedRouter()
        router.get("books") { _, _ in "books" }
        let signedIn = router.group().add(middleware: Authentication(HeaderAuthenticator()))
        signedIn.post("books") { _, _ in "added" }
        signedIn.get("books/:id") { _, context in context.parameters.get("id") ?? "" }
        signedIn.delete("books/:id") { _, _ in HTTPResponse.Status.noContent }
        signedIn.put("books/new") { _, _ in "new" }
        router.get("stream") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "streamed"))
                    try await writer.finish(nil)
                })
        }
        router.on("own", method: .options, policy: nil) { _, _ in "mine" }
        router.on("own", method: .init("PURGE")!, policy: nil) { _, _ in "gone" }
        router.post("files/**") { _, _ in "filed" }
        return router
    }

    @Test("a method that the path does not have is 405 with Allow, before anybody is asked who they are", arguments: Way.allCases)
    func notAllowed(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(way.setup) { client in
            let cases: [(String, HTTPRequest.Method, String, String)] = [
                ("/books", .delete, "GET, HEAD, POST, OPTIONS", "/books"), ("/books?a=1", .patch, "GET, HEAD, POST, OPTIONS", "/books"),
                ("/books/7", .post, "GET, HEAD, DELETE, OPTIONS", "/books/{id}"), ("/books/new", .get, "PUT, OPTIONS", "/books/new"),
                ("/books/new", .head, "PUT, OPTIONS", "/books/new"), ("/stream", .trace, "GET, HEAD, OPTIONS", "/stream"),
                ("/own", .get, "OPTIONS, PURGE", "/own"), ("/files/a/b/c", .get, "POST, OPTIONS", "/files/**"),
                ("/books", .init("PROPFIND")!, "GET, HEAD, POST, OPTIONS", "/books"),
                ("//books//", .put, "GET, HEAD, POST, OPTIONS", "/books"),
            ]
            for (uri, method, allow, route) in cases {
                let response = try await client.execute(uri: uri, method: method)
                #expect(response.status == .methodNotAllowed, "\(method) \(uri)")
                #expect(response.headers[.allow] == allow)
                #expect(response.headers[.contentType] == "application/problem+json")
                let event = try #require(test.sink.events.last)
                #expect(event.header.status == 405 && event.header.reason == "method_not_allowed" && event.header.outcome == .failure)
                #expect(event.header.route == route)
            }
            #expect(test.sink.events.count == cases.count)
            for (uri, method) in [("/nowhere", HTTPRequest.Method.get), ("/nowhere", .options), ("/books/7/pages", .delete), ("/", .put)] {
                let response = try await client.execute(uri: uri, method: method)
                #expect(response.status == .notFound)
                #expect(response.headers[.allow] == nil)
                #expect(test.sink.events.last?.header.route == nil)
            }
        }
    }

    @Test("OPTIONS tells what a path has, and a route for it is left alone", arguments: Way.allCases)
    func options(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(way.setup) { client in
            for (uri, allow) in [("/books", "GET, HEAD, POST, OPTIONS"), ("/books/7", "GET, HEAD, DELETE, OPTIONS")] {
                let response = try await client.execute(uri: uri, method: .options)
                #expect(response.status == .noContent)
                #expect(response.headers[.allow] == allow)
                #expect(response.headers[.contentLength] == nil)
                #expect(response.body.readableBytes == 0)
                #expect(test.sink.events.last?.header.outcome == .success)
            }
            let own = try await client.execute(uri: "/own", method: .options)
            #expect(own.status == .ok && String(buffer: own.body) == "mine")
            #expect(test.sink.events.count == 3)
        }
    }

    @Test("OPTIONS * is for the server as a whole; the connection goes on")
    func asterisk() async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            defer { connection.finish() }
            connection.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\nGET /books HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answer = try await connection.receive()
            #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(answer.contains("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PURGE\r\n"))
            #expect(answer.contains("HTTP/1.1 200 OK") && answer.hasSuffix("books"))
            #expect(test.sink.requests.map(\.header.status) == [204, 200])
        }
    }

    @Test("HEAD has the status and the header of GET", arguments: Way.allCases)
    func head(_ way: Way) async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(way.setup) { client in
            for (uri, user) in [("/books", nil), ("/books/7", "ann"), ("/books/7", nil), ("/nowhere", nil)] as [(String, String?)] {
                let headers: HTTPFields = user.map { [HeaderAuthenticator.name: $0] } ?? [:]
                let get = try await client.execute(uri: uri, method: .get, headers: headers)
                let head = try await client.execute(uri: uri, method: .head, headers: headers)
                #expect(head.status == get.status)
                #expect(head.body.readableBytes == 0)
                #expect(get.body.readableBytes > 0)
                for name in [HTTPField.Name.contentLength, .contentType, .wwwAuthenticate] {
                    #expect(head.headers[name] == get.headers[name])
                }
                let requests = test.sink.requests.suffix(2)
                #expect(requests.last?.header.method == "HEAD" && requests.last?.header.route == requests.first?.header.route)
                #expect(requests.last?.body.details["bytes"] == 0)
            }
        }
    }

    @Test("no body follows HEAD on the wire, whatever the answer: the next response is where it should be")
    func framing() async throws {
        let test = TestApplication()
        try await test.application(Self.router()).test(.live) { client in
            let connection = try RawConnection(port: try #require(client.port))
            defer { connection.finish() }
            for target in ["/books", "/nowhere", "/books/7", "/books/new", "/stream"] {
                connection.send("HEAD \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            connection.send("GET /books HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answer = try await connection.receive()
            let heads = answer.components(separatedBy: "\r\n\r\n")
            #expect(heads.count == 7)
            #expect(heads.dropLast().allSatisfy { $0.hasPrefix("HTTP/1.1 ") })
            #expect(heads.map { String($0.dropFirst(9).prefix(3)) }.dropLast() == ["200", "404", "401", "405", "200", "200"])
            #expect(heads.last == "books")
        }
    }

    @Test("limits come before 405: methods cannot be tried without end", arguments: Way.allCases)
    func limited(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.auditedRouter()
        router.add(middleware: RateLimit(.init(name: "general", limit: 2, windowSeconds: 60), clock: test.clock.clock))
        router.get("ok") { _, _ in "ok" }
        try await test.application(router).test(way.setup) { client in
            var statuses: [Int] = []
            for _ in 0..<3 { statuses.append(try await client.execute(uri: "/ok", method: .put).status.code) }
            #expect(statuses == [405, 405, 429])
        }
    }

    @Test("a router without policies answers the same", arguments: Way.allCases)
    func plain(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        router.group("a").group("b").post(":c") { _, _ in "ok" }
        try await test.application(router).test(way.setup) { client in
            for (uri, method, status, allow) in [
                ("/ok", HTTPRequest.Method.post, 405, "GET, HEAD, OPTIONS"), ("/a/b/c", .get, 405, "POST, OPTIONS"),
                ("/ok", .head, 200, nil),
            ] {
                let response = try await client.execute(uri: uri, method: method)
                #expect(response.status.code == status)
                #expect(response.headers[.allow] == allow)
            }
        }
    }
}
