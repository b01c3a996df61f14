import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOHTTP1

/// Cancels a handler that has given no response within a time, and answers 503. The request's event then says `timeout`.
///
/// Put it on a group of routes, or one; of nested ones the shortest holds. Two things it does not do: it does not abandon a handler that takes
/// no notice of being cancelled, whose request, connection and body would else be in two hands, so the answer waits for it to return; and it
/// does not cut a response that has begun, so the time runs until the handler has returned, and a stream may take as long as it takes.
///
/// A body that is read by the handler must come within the time too, which bounds slow uploads; heads that come slowly, and connections that do
/// nothing, are closed by the server's `idleTimeout` (`HTTP1Channel.Configuration`), without which they stay.
public struct RequestTimeout<Context: AuditedRequestContext>: RouterMiddleware {
    private let time: Duration
    private let status: HTTPResponse.Status
    private let retryAfterSeconds: Int?
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - status: 503, or 504 for a route that waits for another server.
    ///   - retryAfterSeconds: what the client is told to wait.
    public init(_ time: Duration, status: HTTPResponse.Status = .serviceUnavailable, retryAfterSeconds: Int? = nil) {
        self.init(time, status: status, retryAfterSeconds: retryAfterSeconds) { try await Task.sleep(for: $0) }
    }

    package init(
        _ time: Duration, status: HTTPResponse.Status = .serviceUnavailable, retryAfterSeconds: Int? = nil,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.time = time
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.sleep = sleep
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await withoutActuallyEscaping(next) { next in
            // The group waits for its tasks and this task only for the group: nothing here is in two hands, or outlives the call.
            nonisolated(unsafe) let next = next
            return try await withThrowingTaskGroup(of: Response?.self) { group in
                group.addTask { try await next(request, context) }
                group.addTask { [sleep, time] in
                    try await sleep(time)
                    return nil
                }
                let first = try await group.next() ?? nil
                group.cancelAll()
                if let first { return first }
                context.audit.update { $0.reason = "timeout" }
                do {
                    while try await group.next() != nil {}
                } catch let error as HTTPParserError {
                    throw error
                } catch {
                    // What a handler says when it is cancelled is no news.
                }
                throw problem
            }
        }
    }

    private var problem: Problem {
        var headers = HTTPFields()
        if let retryAfterSeconds { headers[.retryAfter] = String(retryAfterSeconds) }
        return Problem(status, detail: "The request took too long.", headers: headers)
    }
}
