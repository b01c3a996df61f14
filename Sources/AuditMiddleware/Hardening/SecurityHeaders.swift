import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// The usual security headers on every response, errors included; a field that a handler set itself stays as it is.
///
/// The defaults are helmet's, narrowed to what an API needs: nothing may be loaded or framed, no referrer. Around the recorder they are on its own
/// refusals too:
///
/// ```swift
/// let app = Application(responder: try SecurityHeaders().around(recorder.wrap(router)))
/// ```
///
/// What the HTTP parser refuses is answered by the server, without them.
public struct SecurityHeaders<Context: AuditedRequestContext>: RouterMiddleware {
    private let fields: [HTTPField]
    private let transportSecurity: HTTPField?
    private let scheme: SchemeTrust

    /// - Throws: `HardeningError` for a value that no field can have, and for a preloading that browsers would not accept.
    public init(_ options: SecurityHeaderOptions = .init()) throws {
        fields = try options.fields()
        transportSecurity = try options.transportSecurity.map { try SecurityHeaderOptions.field("Strict-Transport-Security", $0.value()) }
        scheme = options.scheme
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await Problem.answer(request, context, next)
        add(to: &response.headers, request)
        return response
    }

    /// The responder with these headers on whatever it answers.
    public func around<Base: HTTPResponder>(_ base: Base) -> SecuredResponder<Base> where Base.Context == Context {
        SecuredResponder(base: base, headers: self)
    }

    func add(to headers: inout HTTPFields, _ request: Request) {
        let own = headers.count
        headers.reserveCapacity(own + fields.count + 1)
        for field in fields where !SecurityHeaders.has(field.name, headers, first: own) { headers.append(field) }
        // RFC 6797 §7.2: never over plain HTTP.
        if let transportSecurity, scheme.isSecure(request), !SecurityHeaders.has(transportSecurity.name, headers, first: own) {
            headers.append(transportSecurity)
        }
    }

    private static func has(_ name: HTTPField.Name, _ headers: HTTPFields, first count: Int) -> Bool {
        for index in 0..<count where headers[index].name == name { return true }
        return false
    }
}

/// A responder whose every response has the security headers.
public struct SecuredResponder<Base: HTTPResponder>: HTTPResponder where Base.Context: AuditedRequestContext {
    let base: Base
    let headers: SecurityHeaders<Base.Context>

    public func respond(to request: Request, context: Base.Context) async throws -> Response {
        var response = try await base.respond(to: request, context: context)
        headers.add(to: &response.headers, request)
        return response
    }
}
