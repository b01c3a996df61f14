import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOCore

/// Lets pages of other origins use the API as its ``CORSPolicy`` says, on every response, errors and unknown routes included.
///
/// A preflight is an `OPTIONS` with one `Origin` and `Access-Control-Request-Method`; it is answered here, 200 or 400 as in Starlette. Any other
/// `OPTIONS` goes on to the routes. A refused preflight leaves a `malicious_cors` event; a plain request of a foreign origin does not, for
/// every site that embeds something makes them, and whether its page may read the response is for the browser to enforce.
///
/// On purpose not as in Starlette: `*` with credentials cannot be made; with `*` every answer says `*`, cookies or not; a refused preflight
/// tells nothing of the policy; `Vary: Origin` is there whenever the answer may depend on it, and a preflight's names all it depends on;
/// patterns instead of regular expressions.
public struct CORS<Context: AuditedRequestContext>: RouterMiddleware {
    public let policy: CORSPolicy

    public init(_ policy: CORSPolicy) { self.policy = policy }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let origins = request.headers.filter { $0.name == .origin }
        if request.method == .options, let first = origins.first, let method = request.headers[.accessControlRequestMethod] {
            return try await preflight(origin: origins.count == 1 ? first.value : "", method: method, request, context)
        }
        var response = try await Problem.answer(request, context, next)
        if !policy.anyOrigin { response.headers.addVary("Origin") }
        guard origins.count == 1, policy.allows(origin: origins[0].value) else { return response }
        response.headers[.accessControlAllowOrigin] = policy.anyOrigin ? "*" : origins[0].value
        if policy.credentials { response.headers[.accessControlAllowCredentials] = "true" }
        if let exposed = policy.exposed { response.headers[.accessControlExposeHeaders] = exposed }
        return response
    }

    private func preflight(origin: String, method: String, _ request: Request, _ context: Context) async throws -> Response {
        let asked = request.headers[.requestPrivateNetwork].map { $0 == "true" } ?? false
        var (fields, refusals) = policy.preflight(
            origin: origin, method: method, headers: request.headers[.accessControlRequestHeaders], privateNetwork: asked)
        if origin.isEmpty, refusals.first != .origin { refusals.insert(.origin, at: 0) }
        fields[.vary] =
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
            + (asked ? ", Access-Control-Request-Private-Network" : "")
        guard let refusal = refusals.first else {
            fields[.contentType] = "text/plain; charset=utf-8"
            return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
        }
        let (reason, severity): (String, Severity) =
            switch refusal {
            case .origin where WebOrigin(origin) == nil && !origin.utf8.elementsEqual("null".utf8): ("malformed_origin", .medium)
            case .origin: ("origin_not_allowed", .low)
            case .method: ("method_not_allowed", .low)
            case .headers: ("headers_not_allowed", .low)
            case .privateNetwork: ("private_network_not_allowed", .low)
            }
        let words = refusals.map { $0 == .privateNetwork ? "private network" : $0.rawValue }
        // An origin is a site's name, not a secret, but only what is one is kept.
        let details: JSONObject = WebOrigin(origin) == nil ? [:] : ["origin": .string(origin)]
        throw try await context.audit.refusal(
            .badRequest, event: .maliciousCORS, reason: reason, severity: severity,
            detail: "Disallowed CORS " + words.joined(separator: ", "), headers: [.vary: fields[.vary] ?? "Origin"], details: details)
    }
}
