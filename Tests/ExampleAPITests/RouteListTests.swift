import AuditEvents
import AuditMiddleware
import ExampleAPI
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@Suite struct RouteListTests {
    /// What is meant: a new route has its line here.
    static let meant = """
        GET /admin/users permission:users:read [bearer basic] privileged [general]
        PUT /admin/users/{id}/disabled permission:users:write [bearer basic] privileged [general]
        PUT /admin/users/{id}/roles permission:users:write [bearer basic] privileged [general]
        DELETE /admin/users/{id}/second-factor permission:users:write [bearer basic] privileged [general]
        GET /api-keys authenticated [bearer session] [general]
        POST /api-keys authenticated [bearer session] [general]
        DELETE /api-keys/{id} authenticated [bearer session] [general]
        GET /books authenticated [bearer api_key session] [general]
        POST /books permission:books:write [bearer api_key session] [general]
        GET /books/{id} authenticated [bearer api_key session] [general]
        GET /health anyone [] []
        POST /login anyone [] [general login]
        POST /logout authenticated [bearer session] [general]
        POST /logout/everywhere authenticated [bearer session] [general]
        GET /me authenticated [bearer session] [general]
        POST /me/password authenticated [bearer session] [general]
        POST /me/second-factor authenticated [bearer session] [general]
        PUT /me/second-factor authenticated [bearer session] [general]
        POST /oauth/revoke anyone [] [general]
        POST /oauth/token anyone [] [general]
        GET /openapi.json anyone [] [general]
        POST /orders authenticated [dpop] [general orders]
        POST /session anyone [] [general login]
        DELETE /sessions authenticated [bearer session] [general]
        GET /sessions authenticated [bearer session] [general]
        DELETE /sessions/{session} authenticated [bearer session] [general]
        POST /token/bind authenticated [bearer] [general]
        POST /token/refresh anyone [] [general]
        """

    @Test("the routes are those that are meant, each with the policy that is meant")
    func listing() throws {
        let rows = try ExampleAPI.routes().routes.map { route in
            [
                route.method.rawValue, route.template, route.policyText, "[\(route.schemes.map(\.name).joined(separator: " "))]",
                route.isPrivileged ? "privileged" : "", "[\(route.limits.joined(separator: " "))]",
            ].filter { !$0.isEmpty }.joined(separator: " ")
        }
        #expect(rows == Self.meant.split(separator: "\n").map(String.init))
    }

    @Test("every route is described, and the document is the listing's", arguments: Way.allCases)
    func document(_ way: Way) async throws {
        let routes = try ExampleAPI.routes().routes
        #expect(routes.filter { $0.operation == nil }.map(\.template).isEmpty)
        try await ExampleServer().run(way) { server, client in
            let response = try await server.send(client, .get, "/openapi.json")
            #expect(response.status == .ok)
            let paths = try JSONValue(parsing: Array(buffer: response.body)).object?["paths"]?.object
            let described = (paths?.members ?? []).flatMap { path in
                (path.value.object?.members ?? []).map { "\($0.key.uppercased()) \(path.key)" }
            }
            #expect(Set(described) == Set(routes.map { "\($0.method.rawValue) \($0.template)" }))
        }
    }

    @Test("nobody gets past a route that is not anyone's", arguments: Way.allCases)
    func nobody(_ way: Way) async throws {
        let routes = try ExampleAPI.routes().routes
        try await ExampleServer().run(way) { server, client in
            for route in routes {
                let uri = route.template.replacing("{id}", with: "1").replacing("{session}", with: "1")
                let response = try await server.send(client, route.method, uri)
                #expect((response.status == .unauthorized) == (route.policyText != "anyone"), "\(route.method) \(uri)")
            }
        }
    }
}
