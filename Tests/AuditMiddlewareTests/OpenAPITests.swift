import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@Suite struct OpenAPITests {
    static func router() -> AuditedRouter<TestContext> {
        let router = TestApplication.auditedRouter()
        router.describe(.init(title: "Shop", version: "2"), at: "openapi.json", policy: .anyone)
        router.add(middleware: RateLimit(.init(name: "general", limit: 100, windowSeconds: 60)))
        let api = router.group("api").add(middleware: Authentication(HeaderAuthenticator()))
        let book = JSONSchema.object(["id": .integer(minimum: 1), "title": .string(length: 1...200)], optional: ["title"]).named("Book")
        api.post(
            "books", policy: .allOf(.scope("write"), .not(.scope("guest"))),
            APIOperation("Adds a book", tag: "books", takes: book, gives: [.created: .json(book, headers: "Location")], fails: [.conflict])
        ) { _, _ in "ok" }
        api.get("books/:id", policy: .authenticated) { _, _ in "ok" }
        api.get("files/**", policy: .authenticated) { _, _ in "ok" }
        router.group().add(middleware: Authentication(HeaderAuthenticator(), required: false)).get(
            "hello", policy: .anyone, APIOperation("Greets", parameters: [.query("name", .string)], gives: [.ok: .content("text/plain")])
        ) { _, _ in "ok" }
        return router
    }

    static func document(_ way: Way) async throws -> JSONObject {
        try await TestApplication().application(router()).test(way.setup) { client in
            let response = try await client.execute(uri: "/openapi.json", method: .get)
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/json")
            return try #require(try JSONValue(parsing: Array(buffer: response.body)).object)
        }
    }

    @Test("the document is served, with every route, also those added after it", arguments: Way.allCases)
    func served(_ way: Way) async throws {
        let document = try await Self.document(way)
        #expect(document["openapi"] == "3.1.0")
        #expect(document["info"] == ["title": "Shop", "version": "2"])
        let paths = try #require(document["paths"]?.object)
        #expect(paths.members.map(\.key) == ["/api/books", "/api/books/{id}", "/api/files/{any1}", "/hello", "/openapi.json"])
        #expect(document["components"]?.object?["securitySchemes"] == ["bearer": ["type": "http", "scheme": "bearer"]])
        #expect(document["components"]?.object?["schemas"]?.object?.members.map(\.key) == ["Book", "Problem"])
    }

    @Test("an operation says what it takes and gives, and what the layers before it answer")
    func operation() async throws {
        let paths = try #require(try await Self.document(.router)["paths"]?.object)
        let add = try #require(paths["/api/books"]?.object?["post"]?.object)
        #expect(add["operationId"] == "postApiBooks")
        #expect(add["summary"] == "Adds a book")
        #expect(add["tags"] == ["books"])
        #expect(add["security"] == [["bearer": ["write"]]])
        #expect(add["x-policy"] == "allOf(scope:write, not(scope:guest))")
        #expect(
            add["responses"]?.object?.members.map(\.key) == ["201", "400", "401", "403", "409", "413", "415", "429", "503"])
        #expect(add["responses"]?.object?["201"]?.object?["headers"]?.object?["Location"]?.object?["required"] == true)
        #expect(
            add["requestBody"] == [
                "required": true, "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Book"]]],
            ])

        let one = try #require(paths["/api/books/{id}"]?.object?["get"]?.object)
        #expect(one["operationId"] == "getApiBooksById")
        #expect(one["parameters"] == [["name": "id", "in": "path", "required": true, "schema": ["type": "string"]]])
        #expect(one["responses"]?.object?.members.map(\.key) == ["200", "400", "401", "429", "503"])

        let hello = try #require(paths["/hello"]?.object?["get"]?.object)
        #expect(hello["security"] == [[:], ["bearer": []]])
        #expect(hello["responses"]?.object?["403"] == nil)
        // It was added before the limit.
        #expect(paths["/openapi.json"]?.object?["get"]?.object?["responses"]?.object?.members.map(\.key) == ["200", "503"])
    }
}
