import AuditEvents
import CoreMetrics
public import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// A responder whose every request becomes an `http_request` event.
public struct RecordedResponder<Base: HTTPResponder>: HTTPResponder where Base.Context: AuditedRequestContext {
    let base: Base
    let trail: AuditTrail

    public func respond(to request: Request, context: Base.Context) async throws -> Response {
        let audit = context.audit
        let isCounted = audit.begin(request, trail: trail)
        if let admission = trail.admission {
            do { try admission.admit() } catch { return refuse(request, context) }
        }
        var response: Response
        do {
            response = try await base.respond(to: isCounted ? counted(request, audit) : request, context: context)
        } catch let error as HTTPParserError {
            // The server answers it 400 and closes the connection; there is no response to hand out.
            try await end(audit, error == .invalidEOFState ? .clientClosed : .malformed)
            throw error
        } catch {
            response = Problem.response(to: error, request: request, context: context)
        }
        audit.moveResponseFields(to: &response.headers)
        if request.method == .head { response.leaveOutBody() }

        guard let length = response.body.contentLength, length <= trail.configuration.wholeResponseLimit else {
            return streamed(response, audit: audit)
        }
        do {
            try await end(audit, audit.clientIsGone ? .clientClosed : .response(response.status.code, bytes: length))
        } catch {
            return refuse(request, context)
        }
        return response
    }

    private func counted(_ request: Request, _ audit: AuditContext) -> Request {
        var request = request
        request.body = RequestBody(asyncSequence: CountedBody(base: request.body, audit: audit))
        return request
    }

    private func end(_ audit: AuditContext, _ ending: RequestEnding) async throws {
        guard let event = audit.requestEvent(ending) else { return }
        try await trail.record(event, durability: .buffered)
    }

    private func refuse(_ request: Request, _ context: Base.Context) -> Response {
        trail.refusedRequest()
        trail.logger.warning("request refused, the record is full", metadata: ["audit.request.id": "\(context.audit.requestID)"])
        var response = Problem.unrecordable(retryAfterSeconds: trail.configuration.retryAfterSeconds).response()
        context.audit.moveResponseFields(to: &response.headers)
        if request.method == .head { response.leaveOutBody() }
        return response
    }

    private func streamed(_ response: Response, audit: AuditContext) -> Response {
        var response = response
        let body = response.body
        let stream = RecordedStream(audit: audit, trail: trail, status: response.status.code)
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            // What is written to a connection just closed may be taken without complaint.
            if audit.clientIsGone { stream.writeFailed() }
            do {
                try await body.write(CountingBodyWriter(base: writer, stream: stream))
            } catch {
                await stream.end(failure: error)
                throw error
            }
            await stream.end(failure: nil)
        }
        return response
    }
}

extension Response {
    /// The response to HEAD of what this is the response to (RFC 9110 §9.3.2): an error's document too would be read as the next response.
    ///
    /// The length stays that of the body left out. Of a stream nobody knows it; 0 then keeps the connection's framing.
    fileprivate mutating func leaveOutBody() {
        let length = headers[.contentLength] ?? "0"
        body = ResponseBody()
        if status != .noContent && status != .notModified { headers[.contentLength] = length }
    }
}
