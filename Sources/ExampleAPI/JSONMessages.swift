import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Request {
    /// The body, when it is one JSON object with each name once.
    ///
    /// - Throws: `Problem` 415 for another content type, 413 beyond `limit` bytes, 400 for anything else.
    func jsonObject(upTo limit: Int = 16 * 1024) async throws -> JSONObject {
        let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard type.utf8.elementsEqual("application/json".utf8) else {
            throw Problem(.unsupportedMediaType, detail: "The body must be application/json.")
        }
        let body = try await body.collect(upTo: limit)
        guard let object = (try? JSONValue(parsing: body.readableBytesView, maximumDepth: 16, keepsLargeIntegers: false))?.object else {
            throw Problem(.badRequest, detail: "The body must be one JSON object with each name once.")
        }
        return object
    }
}

extension Response {
    /// A JSON document.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(value))))
    }
}
