import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOCore

/// Refuses bodies above a size: by `Content-Length` before a byte is read, otherwise by count while the handler reads. 413 and an
/// `input_validation_fail` event.
///
/// Of nested limits the smallest holds. A body of stated length costs nothing here: the server reads no more of it than was stated. After a
/// refusal the server reads the rest and throws it away, in pieces; an idle timeout ends clients that dawdle over it.
public struct BodyLimit<Context: AuditedRequestContext>: RouterMiddleware {
    private let limit: Int

    /// - Parameter bytes: the largest body that is let through.
    public init(_ bytes: Int) { limit = max(0, bytes) }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var (length, isCounted): (String?, Bool) = (nil, false)
        for field in request.headers {
            if field.name == .contentLength { length = field.value }
            if field.name == .transferEncoding { isCounted = true }
        }
        if let length, !isCounted {
            // What is no number, or none that fits, is more than any limit.
            guard length.utf8.allSatisfy({ (48...57).contains($0) }), let bytes = Int(length), bytes <= limit else {
                throw try await BodyTooLarge.problem(limit: limit, stated: Int(length), context.audit)
            }
            return try await next(request, context)
        }
        // HTTP/1.1 has no body without either field, HTTP/2 may.
        guard isCounted || (request.method != .get && request.method != .head) else { return try await next(request, context) }
        var request = request
        request.body = RequestBody(asyncSequence: BoundedBody(base: request.body, limit: limit, audit: context.audit))
        return try await next(request, context)
    }
}

enum BodyTooLarge {
    static func problem(limit: Int, stated: Int?, _ audit: AuditContext) async throws -> Problem {
        var details: JSONObject = ["limit": .int(Int64(limit))]
        if let stated { details["content_length"] = .int(Int64(stated)) }
        return try await audit.refusal(
            .contentTooLarge, reason: "body_too_large", detail: "The body is larger than \(limit) bytes.", details: details)
    }
}

/// A body that ends in an error when it grows above its limit.
struct BoundedBody: AsyncSequence, Sendable {
    let base: RequestBody
    let limit: Int
    let audit: AuditContext

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        var left: Int
        let limit: Int
        let audit: AuditContext

        @concurrent mutating func next() async throws -> ByteBuffer? {
            guard left >= 0, let buffer = try await base.next() else { return nil }
            left -= buffer.readableBytes
            if left < 0 { throw try await BodyTooLarge.problem(limit: limit, stated: nil, audit) }
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), left: limit, limit: limit, audit: audit) }
}
