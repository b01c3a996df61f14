import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOCore

/// Compresses responses of text with gzip or deflate, as `Accept-Encoding` has it.
///
/// Left as they are: fewer than `minimumSize` bytes (unless the client rules identity out), what is not text by its
/// `Content-Type`, `text/event-stream`,
/// responses to HEAD, 204, 206 and 304, those with a `Content-Encoding` of their own, and those marked `Cache-Control: no-transform`: with it
/// a handler keeps a secret out of what an attacker can make longer (BREACH). A body of unknown length is compressed and flushed piece by
/// piece, so that a stream stays one. A strong `ETag` becomes a weak one. Where the client rules out all that there is, it gets identity.
///
/// As in Starlette, from 500 bytes on; unlike there, weights count, `Vary: Accept-Encoding` is on every response that could have been
/// compressed, and images are not tried.
public struct ResponseCompression<Context: AuditedRequestContext>: RouterMiddleware {
    private let minimumSize: Int
    private let level: Int
    private let wholeResponseLimit: Int

    /// - Parameters:
    ///   - minimumSize: in bytes; a smaller body hardly gains.
    ///   - level: of zlib, 1 to 9.
    ///   - wholeResponseLimit: up to this many bytes a body of known length is compressed in memory and its new length told.
    /// - Throws: `HardeningError`.
    public init(minimumSize: Int = 500, level: Int = 6, wholeResponseLimit: Int = 256 * 1024) throws {
        guard minimumSize >= 0 else { throw HardeningError(.outOfRange, minimumSize) }
        guard (1...9).contains(level) else { throw HardeningError(.outOfRange, level) }
        self.minimumSize = minimumSize
        self.level = level
        self.wholeResponseLimit = wholeResponseLimit
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let response = try await Problem.answer(request, context, next)
        guard request.method != .head, ResponseCompression.isEligible(response) else { return response }
        do {
            return try await compress(response, accepted: AcceptedCodings(request.headers))
        } catch {
            // The body was made in memory here, and its maker failed: an error like any other before the head.
            return Problem.response(to: error, request: request, context: context)
        }
    }

    @concurrent
    private func compress(_ original: Response, accepted: AcceptedCodings) async throws -> Response {
        var response = original
        let length = response.body.contentLength
        if let length, length == 0 || length < minimumSize && !accepted.refusesIdentity { return response }
        response.headers.addVary("Accept-Encoding")
        guard let coding = accepted.choice else { return response }
        if let tag = response.headers[.eTag], tag.utf8.first == UInt8(ascii: "\"") { response.headers[.eTag] = "W/" + tag }
        response.headers[.contentEncoding] = coding.rawValue
        response.headers[.acceptRanges] = nil

        let body = original.body
        if let length, length <= wholeResponseLimit {
            let collected = CollectedBody()
            try await body.write(CollectingBodyWriter(body: collected))
            var output = ByteBuffer()
            try Deflater(coding, level: level, size: length).compress(collected.bytes, into: &output, flush: .finish)
            if let trailers = collected.trailers {
                response.body = ResponseBody(contentLength: nil) { [output] writer in
                    try await writer.write(output)
                    try await writer.finish(trailers)
                }
            } else {
                response.body = ResponseBody(byteBuffer: output)
            }
        } else {
            let level = level
            response.body = ResponseBody { writer in
                try await body.write(
                    CompressingBodyWriter(
                        base: writer, deflater: try Deflater(coding, level: level, size: nil), flushes: length == nil))
            }
        }
        return response
    }

    private static func isEligible(_ response: Response) -> Bool {
        switch response.status.code {
        case 100..<200, 204, 205, 206, 304: return false
        default: break
        }
        var type: String?
        for field in response.headers {
            switch field.name {
            case .contentEncoding, .contentRange: return false
            case .cacheControl: if HTTPFields.lists(field.value, anyOf: ["no-transform"]) { return false }
            case .contentType: type = field.value
            default: break
            }
        }
        return type.map(isText) ?? false
    }

    /// Whether a media type is of text, in one way or another.
    private static func isText(_ value: String) -> Bool {
        let type = String(decoding: value.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }, as: UTF8.self).lowercased()
        if type.hasPrefix("text/") { return type != "text/event-stream" }
        if type.hasSuffix("+json") || type.hasSuffix("+xml") || type.hasSuffix("+text") { return true }
        return [
            "application/json", "application/javascript", "application/x-javascript", "application/xml", "application/x-ndjson",
            "application/jsonl", "application/yaml", "application/graphql", "application/wasm", "application/x-www-form-urlencoded",
            "image/bmp", "font/ttf", "font/otf",
        ].contains(type)
    }
}
