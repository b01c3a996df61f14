public import AuditEvents
public import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOCore

/// An error that the client is told as a problem document (RFC 9457).
public struct Problem: HTTPResponseError, Sendable {
    public var status: HTTPResponse.Status
    /// A URI that names the kind of problem; `about:blank` says no more than the status.
    public var type: String
    public var title: String
    /// For the client, about this occurrence. Nothing of the server's inside belongs here.
    public var detail: String?
    public var headers: HTTPFields
    /// Further members of the document.
    public var members: JSONObject

    public init(
        _ status: HTTPResponse.Status, type: String = "about:blank", title: String? = nil, detail: String? = nil, headers: HTTPFields = [:],
        members: JSONObject = [:]
    ) {
        self.status = status
        self.type = type
        self.title = title ?? status.reasonPhrase
        self.detail = detail
        self.headers = headers
        self.members = members
    }

    public func response(from request: Request, context: some RequestContext) throws -> Response { response() }

    /// The response with the document, never to be cached.
    public func response() -> Response {
        var document = members
        document["type"] = .string(type)
        document["title"] = .string(title)
        document["status"] = .int(Int64(status.code))
        if let detail { document["detail"] = .string(detail) }
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(.object(document)))))
    }

    /// The record is full: 503, to be tried again.
    static func unrecordable(retryAfterSeconds: Int) -> Problem {
        Problem(
            .serviceUnavailable, detail: "The request cannot be recorded at present and was not carried out.",
            headers: [.retryAfter: String(retryAfterSeconds)])
    }
}
