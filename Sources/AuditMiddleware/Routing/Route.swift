public import AuditEvents
public import HTTPTypes

/// One route and everything that was said of it where it was added.
public struct Route: Sendable {
    public let method: HTTPRequest.Method
    /// The path with its parameters in braces: `/books/{id}`.
    public let template: String
    /// Who is let in: the policies of the route and of the groups around it together; nil where there is none.
    public let policy: Policy?
    /// Whether requests without a credential are refused before any policy is asked.
    public let requiresCredential: Bool
    /// The credentials that are understood, in the order in which they are looked for.
    public let schemes: [SecurityScheme]
    /// Whether it is administration.
    public let isPrivileged: Bool
    /// The names of the rate limits before it.
    public let limits: [String]
    /// What the layers before it may answer with.
    let problems: Set<HTTPResponse.Status>
    /// What it does, as far as it was described.
    public let operation: APIOperation?

    /// The policy as text; `authenticated` where only a credential is asked for, `none` where nothing is.
    public var policyText: String { policy?.description ?? (requiresCredential ? "authenticated" : "none") }

    /// Whether everybody is let in.
    var isOpen: Bool { !requiresCredential && (policy?.admitsNobody ?? true) }

    /// `method`, `path`, `policy`, `schemes` (by name), `privileged`, `limits`.
    public var json: JSONObject {
        [
            "method": .string(method.rawValue), "path": .string(template), "policy": .string(policyText),
            "schemes": .array(schemes.map { .string($0.name) }), "privileged": .bool(isPrivileged),
            "limits": .array(limits.map { .string($0) }),
        ]
    }
}

/// The routes of a router, by path and method. HEAD of every GET, and OPTIONS, go without saying.
public struct RouteList: Sendable {
    public let routes: [Route]

    init(_ routes: [Route]) {
        self.routes = routes.sorted { a, b in
            a.template.utf8.elementsEqual(b.template.utf8)
                ? a.method.rawValue < b.method.rawValue : a.template.utf8.lexicographicallyPrecedes(b.template.utf8)
        }
    }
}
