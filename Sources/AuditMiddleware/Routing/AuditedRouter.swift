public import HTTPTypes
public import Hummingbird
import HummingbirdCore

/// A router that knows its routes: who may use each, with which credentials, and what it does.
///
/// Groups of it are routers of the same type. Middleware applies to the routes added after it, as with Hummingbird's `Router`, and those that
/// are `RouteDescribing` are listed with them.
///
/// ```swift
/// let router = AuditedRouter(context: BasicAuditedRequestContext.self, permissions: ["editor": ["books:write"]])
/// router.get("health", policy: .anyone) { _, _ in "ok" }
/// let api = router.denyingByDefault().add(middleware: Authentication(bearer))
/// api.get("books/:id", policy: .scope("books:read"), use: book)
/// api.post("books", policy: .permission("books:write"), use: addBook)
/// let app = Application(responder: try recorder.wrap(router))
/// ```
///
/// A request for a known path with another method is answered 405, OPTIONS 204, both with `Allow`; HEAD does what GET does, without the body.
public final class AuditedRouter<Context: AuditedRequestContext>: RouterMethods {
    /// What becomes of a route that no policy speaks of.
    public enum Undecided: Sendable {
        /// It is open.
        case permitted
        /// The router refuses to start, and names it.
        case refusedAtStart
        /// It answers 403 to everybody, with an event.
        case denied
    }

    /// What all groups of a router share.
    final class Registry {
        let router: Router<Context>
        let options: RouterOptions
        let permissions: PermissionTable
        let recordsAllowed: Bool
        var routes: [Route] = []
        var error = RoutingError()
        var documents: [(OpenAPIDocument.Information, ServedDocument)] = []

        init(options: RouterOptions, permissions: PermissionTable, recordsAllowed: Bool) {
            self.options = options.union(.autoGenerateHeadEndpoints)
            router = Router(audited: Context.self, options: self.options)
            self.permissions = permissions
            self.recordsAllowed = recordsAllowed
        }
    }

    let registry: Registry
    private let inner: any RouterMethods<Context>
    private let parent: AuditedRouter?
    private let prefix: RouterPath
    private let undecided: Undecided
    private var describing: [any RouteDescribing] = []

    /// - Parameters:
    ///   - permissions: what roles permit, for `Policy.permission`.
    ///   - recordsAllowedDecisions: whether policies that let in leave an event too.
    public init(
        context: Context.Type = Context.self, options: RouterOptions = [], permissions: PermissionTable = [:],
        recordsAllowedDecisions: Bool = false
    ) {
        registry = Registry(options: options, permissions: permissions, recordsAllowed: recordsAllowedDecisions)
        inner = registry.router
        parent = nil
        prefix = ""
        undecided = .permitted
    }

    private init(parent: AuditedRouter, path: RouterPath, undecided: Undecided) {
        registry = parent.registry
        inner = parent.inner.group(path)
        self.parent = parent
        prefix = parent.prefix.appendingPath(path)
        self.undecided = undecided
    }

    /// Applies a middleware to the routes added from now on.
    @discardableResult public func add(middleware: any MiddlewareProtocol<Request, Response, Context>) -> Self {
        _ = inner.add(middleware: middleware)
        if let description = middleware as? any RouteDescribing { describing.append(description) }
        return self
    }

    /// A group of routes, and who may use them all.
    public func group(_ path: RouterPath = "", policy: Policy? = nil, privileged: Bool = false) -> AuditedRouter {
        let group = AuditedRouter(parent: self, path: path, undecided: undecided)
        if let policy { group.add(middleware: authorize(policy, privileged: privileged)) }
        return group
    }

    /// A group in which every route needs a policy, of its own or of a group within.
    public func denyingByDefault(_ undecided: Undecided = .refusedAtStart) -> AuditedRouter {
        AuditedRouter(parent: self, path: "", undecided: undecided)
    }

    @discardableResult public func on<Responder: HTTPResponder>(
        _ path: RouterPath, method: HTTPRequest.Method, responder: Responder
    ) -> Self where Responder.Context == Context {
        on(path, method: method, policy: nil, responder: responder)
    }

    /// Adds a route.
    /// - Parameters:
    ///   - policy: who may use it, beside what the groups around it ask.
    ///   - privileged: whether it is administration.
    ///   - operation: what it does.
    @discardableResult public func on(
        _ path: RouterPath, method: HTTPRequest.Method, policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        responder: some HTTPResponder<Context>
    ) -> Self {
        var target = inner
        var traits = traits
        if let policy {
            let middleware = authorize(policy, privileged: privileged)
            middleware.describe(&traits)
            target = inner.group().add(middleware: middleware)
        } else if traits.policies.isEmpty, undecided != .permitted {
            target = inner.group().add(middleware: DeniedByDefault())
        }
        target.on(path, method: method, responder: responder)
        note(prefix.appendingPath(path), method, traits, operation)
        return self
    }

    private func note(_ path: RouterPath, _ method: HTTPRequest.Method, _ traits: RouteTraits, _ operation: APIOperation?) {
        let path = registry.options.contains(.caseInsensitive) ? path.lowercased() : path
        let route = Route(
            method: method, template: path.description, policy: .together(traits.policies), requiresCredential: traits.requiresCredential,
            schemes: traits.schemes, isPrivileged: traits.isPrivileged, limits: traits.limits, problems: traits.problems,
            operation: operation)
        registry.routes.append(route)
        let name = "\(method.rawValue) \(route.template)"
        if route.policy == nil, undecided == .refusedAtStart { registry.error.undecided.append(name) }
        let known = path.components.map(\.description)
        for parameter in route.policy?.parameters ?? [] where !known.contains(where: { $0.contains("{\(parameter)}") }) {
            registry.error.unknownParameters.append("\(name) (\(parameter))")
        }
    }

    private var traits: RouteTraits {
        var traits = parent?.traits ?? RouteTraits()
        for description in describing { description.describe(&traits) }
        return traits
    }

    private func authorize(_ policy: Policy, privileged: Bool) -> Authorize<Context> {
        Authorize(
            policy, permissions: registry.permissions, privileged: privileged, recordsAllowed: registry.recordsAllowed,
            challenges: traits.challenges)
    }

    /// All routes added so far, to whichever group.
    public var routes: RouteList { RouteList(registry.routes) }

    /// The responder of all routes, of whichever group.
    /// - Throws: `RoutingError` where a route lacks its policy, or has one that cannot be judged.
    func responder() throws(RoutingError) -> RouterResponder<Context> {
        guard registry.error == RoutingError() else { throw registry.error }
        for (information, document) in registry.documents {
            document.fill(OpenAPIDocument(information, routes: routes).json)
        }
        return registry.router.responderForAllMethods(options: registry.options)
    }
}

extension AuditRecorder {
    /// The responder of `router`, recorded.
    /// - Throws: `RoutingError` where a route lacks its policy, or has one that cannot be judged.
    public func wrap<Context>(_ router: AuditedRouter<Context>) throws(RoutingError) -> RecordedResponder<RouterResponder<Context>> {
        RecordedResponder(base: try router.responder(), trail: trail)
    }

    /// The responder of `router`, recorded. Methods that a path does not have are answered 405 with `Allow`, OPTIONS 204.
    public func wrap<Context>(_ router: Router<Context>) -> RecordedResponder<RouterResponder<Context>> {
        RecordedResponder(base: router.responderForAllMethods(options: []), trail: trail)
    }
}
