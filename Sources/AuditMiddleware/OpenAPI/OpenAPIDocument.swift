public import AuditEvents
import HTTPTypes

/// The OpenAPI 3.1 document of a list of routes: what they take, give and ask for, from the very values that they are served by.
public struct OpenAPIDocument: Sendable {
    public struct Information: Sendable {
        public var title: String
        public var version: String
        public var description: String?
        public init(title: String, version: String, description: String? = nil) {
            (self.title, self.version, self.description) = (title, version, description)
        }
    }

    public let json: JSONObject

    public init(_ information: Information, routes: RouteList) {
        var paths = JSONObject()
        var (schemas, schemes) = (JSONSchema.problem.components, JSONObject())
        for route in routes.routes {
            let (path, parameters) = Self.path(route.template)
            var methods = paths[path]?.object ?? JSONObject()
            methods[route.method.rawValue.lowercased()] = .object(Self.operation(route, path, parameters, &schemas))
            paths[path] = .object(methods)
            for scheme in route.schemes { schemes[scheme.name] = .object(scheme.object) }
        }
        var info: JSONObject = ["title": .string(information.title), "version": .string(information.version)]
        if let description = information.description { info["description"] = .string(description) }
        var components: JSONObject = ["schemas": .object(JSONObject(schemas.map { ($0.key, .object($0.value)) }))]
        if !schemes.isEmpty { components["securitySchemes"] = .object(schemes) }
        json = ["openapi": "3.1.0", "info": .object(info), "paths": .object(paths), "components": .object(components)]
    }

    private static func operation(_ route: Route, _ path: String, _ names: [String], _ schemas: inout [String: JSONObject]) -> JSONObject {
        let operation = route.operation ?? APIOperation("", gives: [.ok: .empty])
        var json: JSONObject = [
            "operationId": .string(identifier(route.method, path)), "responses": .object(responses(route, operation, &schemas)),
            "security": .array(security(route)), "x-policy": .string(route.policyText),
        ]
        if !operation.summary.isEmpty { json["summary"] = .string(operation.summary) }
        if let tag = operation.tag { json["tags"] = [.string(tag)] }
        let unsaid = names.filter { name in !operation.parameters.contains { $0.place == .path && $0.name == name } }
        let parameters = unsaid.map { APIOperation.Parameter.path($0, .string) } + operation.parameters
        if !parameters.isEmpty {
            json["parameters"] = .array(
                parameters.map { parameter in
                    schemas.merge(parameter.schema.components) { $1 }
                    var json: JSONObject = [
                        "name": .string(parameter.name), "in": .string(parameter.place.rawValue), "required": .bool(parameter.isRequired),
                        "schema": .object(parameter.schema.json),
                    ]
                    if let description = parameter.description { json["description"] = .string(description) }
                    return .object(json)
                })
        }
        if let body = operation.body {
            schemas.merge(body.components) { $1 }
            json["requestBody"] = ["required": true, "content": .object([operation.bodyType: ["schema": .object(body.json)]])]
        }
        return json
    }

    private static func responses(_ route: Route, _ operation: APIOperation, _ schemas: inout [String: JSONObject]) -> JSONObject {
        var responses = JSONObject()
        for (status, answer) in operation.answers {
            var response: JSONObject = ["description": .string(status.reasonPhrase)]
            if let type = answer.contentType {
                schemas.merge(answer.schema?.components ?? [:]) { $1 }
                response["content"] = .object([type: ["schema": .object(answer.schema?.json ?? [:])]])
            }
            if !answer.headers.isEmpty { response["headers"] = .object(headers(answer.headers, required: true)) }
            responses[String(status.code)] = .object(response)
        }
        var problems = Set(operation.problems).union(route.problems).union([.serviceUnavailable])
        if !route.schemes.isEmpty { problems.formUnion([.badRequest, .unauthorized]) }
        if !route.isOpen { problems.insert(.unauthorized) }
        if let policy = route.policy, !policy.admitsNobody, policy.description != Policy.authenticated.description {
            problems.insert(.forbidden)
        }
        if !route.limits.isEmpty { problems.insert(.tooManyRequests) }
        if operation.body != nil { problems.formUnion([.badRequest, .contentTooLarge, .unsupportedMediaType]) }
        for status in problems where responses[String(status.code)] == nil {
            var response: JSONObject = [
                "description": .string(status.reasonPhrase),
                "content": ["application/problem+json": ["schema": .object(JSONSchema.problem.json)]],
            ]
            switch status {
            case .unauthorized: response["headers"] = .object(headers(["WWW-Authenticate"], required: false))
            case .tooManyRequests, .serviceUnavailable: response["headers"] = .object(headers(["Retry-After"], required: false))
            default: break
            }
            responses[String(status.code)] = .object(response)
        }
        return responses
    }

    private static func headers(_ names: [String], required: Bool) -> JSONObject {
        JSONObject(names.map { ($0, ["required": .bool(required), "schema": .object(JSONSchema.string.json)]) })
    }

    /// Any one of the route's schemes, with the scopes that its policy speaks of; none where everybody is let in.
    private static func security(_ route: Route) -> [JSONValue] {
        let scopes: JSONValue = .array((route.policy?.scopes ?? []).map { .string($0) })
        let alternatives: [JSONValue] = route.schemes.map { .object(JSONObject([($0.name, scopes)])) }
        return route.isOpen && !alternatives.isEmpty ? [[:]] + alternatives : alternatives
    }

    /// `get /books/{id}` as `getBooksById`.
    private static func identifier(_ method: HTTPRequest.Method, _ path: String) -> String {
        let words = path.split { !($0.isLetter || $0.isNumber || $0 == "{") }.map { word in
            word.first == "{" ? "By" + capitalized(word.dropFirst()) : capitalized(word)
        }
        return method.rawValue.lowercased() + words.joined()
    }

    private static func capitalized(_ word: Substring) -> String { word.prefix(1).uppercased() + word.dropFirst() }

    /// A template with a name for each wildcard, and the names of all parameters.
    private static func path(_ template: String) -> (path: String, parameters: [String]) {
        var parameters: [String] = []
        let components = template.split(separator: "/").map { component -> String in
            if component.contains("*") {
                parameters.append("any\(parameters.count + 1)")
                return component.split(separator: "*", omittingEmptySubsequences: false).filter { !$0.isEmpty }.first.map {
                    component.first == "*" ? "{\(parameters.last ?? "")}\($0)" : "\($0){\(parameters.last ?? "")}"
                } ?? "{\(parameters.last ?? "")}"
            }
            if let open = component.firstIndex(of: "{"), let close = component[open...].firstIndex(of: "}") {
                parameters.append(String(component[component.index(after: open)..<close]))
            }
            return String(component)
        }
        return ("/" + components.joined(separator: "/"), parameters)
    }
}
