import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore

/// Refuses requests that two programs could take for different ones: tricks in the path, fields that contradict each other, method override.
///
/// Each leaves an `input_validation_fail` event with a reason (`malicious_extraneous` for a method override) and is answered 400; 414 and 431
/// where it is too large. What `_method` says in a form is the handler's: this layer reads no body.
public struct RequestValidation<Context: AuditedRequestContext>: RouterMiddleware {
    /// What a request may have.
    public struct Limits: Sendable {
        /// Bytes of path and query.
        public var targetBytes = 8192
        public var headerFields = 100
        /// Bytes of the names and values of all fields.
        public var headerBytes = 32 * 1024
        /// Whether `;` may be in a path.
        public var allowsPathParameters = false

        public init() {}
    }

    private struct Flaw: Error {
        let status: HTTPResponse.Status
        var event = EventType.inputValidationFailure
        let reason: String
        var severity = Severity.medium
        let detail: String
    }

    private let limits: Limits

    public init(_ limits: Limits = .init()) { self.limits = limits }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            try examineTarget(request)
            try examineFields(request.headers)
        } catch {
            throw try await context.audit.refusal(
                error.status, event: error.event, reason: error.reason, severity: error.severity, detail: error.detail)
        }
        return try await next(request, context)
    }

    private func examineTarget(_ request: Request) throws(Flaw) {
        let target = request.head.path ?? ""
        do {
            try TargetExamination.examine(target.utf8.span, limit: limits.targetBytes, parameters: limits.allowsPathParameters)
        } catch .notAbsolute where request.method == .options && target.utf8.elementsEqual("*".utf8) {
            return
        } catch .tooLong {
            throw Flaw(status: .uriTooLong, reason: TargetFlaw.tooLong.rawValue, severity: .low, detail: "The request target is too long.")
        } catch .methodOverride {
            throw RequestValidation.methodOverride
        } catch {
            throw Flaw(
                status: .badRequest, reason: error.rawValue, severity: error.isMistake ? .low : .medium,
                detail: "The request target is not acceptable.")
        }
    }

    private func examineFields(_ headers: HTTPFields) throws(Flaw) {
        guard headers.count <= limits.headerFields else {
            throw Flaw(status: .requestHeaderFieldsTooLarge, reason: "too_many_fields", detail: "The request has too many header fields.")
        }
        var (bytes, lengths, codings, types) = (0, 0, 0, 0)
        for field in headers {
            let name = field.name.canonicalName
            bytes += name.utf8.count + field.value.utf8.count
            // Few names are looked at: their length tells most others apart without a comparison.
            switch name.utf8.count {
            case 12 where name == "content-type": types += 1
            case 14 where name == "content-length":
                lengths += 1
                guard (1...19).contains(field.value.utf8.count), field.value.utf8.allSatisfy({ (48...57).contains($0) }) else {
                    throw RequestValidation.badLength
                }
            case 17 where name == "transfer-encoding":
                codings += 1
                guard field.value[...].utf8.equalsIgnoringCase("chunked") else {
                    throw Flaw(status: .badRequest, reason: "unsupported_transfer_encoding", detail: "Only chunked is understood.")
                }
            case 22 where name == "x-http-method-override", 13 where name == "x-http-method", 17 where name == "x-method-override":
                throw RequestValidation.methodOverride
            default: break
            }
        }
        guard bytes <= limits.headerBytes else {
            throw Flaw(
                status: .requestHeaderFieldsTooLarge, reason: "fields_too_large", detail: "The request's header fields are too large.")
        }
        if lengths + codings > 1 { throw RequestValidation.badLength }
        if types > 1 { throw Flaw(status: .badRequest, reason: "repeated_field", detail: "The request has more than one Content-Type.") }
    }

    private static var badLength: Flaw {
        Flaw(status: .badRequest, reason: "conflicting_length", severity: .high, detail: "The length of the request's body is not clear.")
    }

    private static var methodOverride: Flaw {
        Flaw(
            status: .badRequest, event: .maliciousExtraneous, reason: TargetFlaw.methodOverride.rawValue,
            detail: "The method is that of the request line.")
    }
}
