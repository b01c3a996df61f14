import AuditEvents
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Answers the requests that no route takes though it has their path (RFC 9110): OPTIONS 204 with `Allow` (§9.3.7), any other method 405 with
/// `Allow` (§15.5.6). Other paths go on to 404.
///
/// A method that nothing here implements is no 501 (§15.6.2): `Allow` tells the client more, and an error of the server's it is not.
///
/// It stands behind all middleware of the router and before no route, so limits, hosts and CORS come first; what groups add, authentication
/// as a rule, is not asked.
struct UnmatchedRequests<Context: AuditedRequestContext>: RouterMiddleware {
    /// Knows every path as the router itself does, and answers 204 with its `Allow`.
    private let paths: RouterResponder<Context>
    /// The answer to `OPTIONS *`: the methods of all paths.
    private let everything: Response

    init(_ routes: [Router<Context>.RouteDescription], options: RouterOptions) {
        let router = Router(context: Context.self, options: options.subtracting(.autoGenerateHeadEndpoints))
        for (_, routes) in Dictionary(grouping: routes, by: \.path.description) {
            let options = Self.options(Set(routes.map(\.method)))
            router.on(routes[0].path, method: .options, responder: CallbackResponder { _, _ in options })
        }
        paths = router.buildResponder()
        everything = Self.options(Set(routes.map(\.method)))
    }

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if request.head.path == "*", request.method == .options { return everything }
        var head = request.head
        head.method = .options
        let options = try await paths.respond(to: Request(head: head, body: request.body), context: context)
        guard options.status == .noContent else { return try await next(request, context) }
        guard request.method != .options else { return options }
        context.audit.update { $0.reason = "method_not_allowed" }
        throw Problem(.methodNotAllowed, headers: [.allow: options.headers[.allow] ?? ""])
    }

    private static func options(_ methods: Set<HTTPRequest.Method>) -> Response {
        let order: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        let methods = methods.union([.options])
        let others = methods.subtracting(order).sorted { $0.rawValue < $1.rawValue }
        let allow = (order.filter(methods.contains) + others).map(\.rawValue).joined(separator: ", ")
        var response = Response(status: .noContent, headers: [.allow: allow])
        response.headers[.contentLength] = nil
        return response
    }
}

extension Router where Context: AuditedRequestContext {
    /// The responder of all routes so far, with answers for the methods that a known path does not have.
    func responderForAllMethods(options: RouterOptions) -> RouterResponder<Context> {
        // HEAD is among the routes only once a responder was built. What is added after all routes applies to what none of them takes.
        _ = buildResponder()
        add(middleware: UnmatchedRequests(routes, options: options))
        return buildResponder()
    }
}
