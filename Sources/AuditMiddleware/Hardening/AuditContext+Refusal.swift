import AuditEvents
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOHTTP1

extension AuditContext {
    /// Emits the event of a refusal and gives the problem that the client is told.
    ///
    /// - Throws: `SinkRefusal`, where the record is full: the request then ends with its 503.
    func refusal(
        _ status: HTTPResponse.Status, event: EventType = .inputValidationFailure, reason: String, severity: Severity = .low,
        detail: String,
        headers: HTTPFields = [:], details: JSONObject = [:]
    ) async throws -> Problem {
        try await emit(event, outcome: .denied, reason: reason, severity: severity) { $0.details = details }
        return Problem(status, detail: detail, headers: headers)
    }
}

extension Problem {
    /// The response of what is further in, errors made responses, for layers that put header fields on every response.
    ///
    /// - Throws: errors of the HTTP parser alone, which are the server's to answer.
    @concurrent
    static func answer<Context: AuditedRequestContext>(
        _ request: Request, _ context: Context, _ next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            return response(to: error, request: request, context: context)
        }
    }
}
