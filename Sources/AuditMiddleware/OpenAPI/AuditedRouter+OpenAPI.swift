import AuditEvents
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization

extension AuditedRouter {
    /// Serves the OpenAPI document of all routes of the router, whichever group they are added to, before or after this one.
    @discardableResult public func describe(_ information: OpenAPIDocument.Information, at path: RouterPath, policy: Policy? = nil) -> Self
    {
        let document = ServedDocument()
        registry.documents.append((information, document))
        let operation = APIOperation("This document", gives: [.ok: .json(JSONSchema(["type": "object"]))])
        return get(path, policy: policy, operation) { _, _ in document.response }
    }
}

/// A document that is complete once all routes are known.
final class ServedDocument: Sendable {
    private let bytes = Mutex(ByteBuffer())

    func fill(_ json: JSONObject) { bytes.withLock { $0 = ByteBuffer(bytes: CanonicalJSON.encode(.object(json))) } }

    var response: Response {
        Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: bytes.withLock { $0 }))
    }
}
