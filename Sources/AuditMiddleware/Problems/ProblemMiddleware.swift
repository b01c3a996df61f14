public import Hummingbird
public import HummingbirdCore
import NIOHTTP1

/// Turns every error thrown by what is added to the router after it into a problem document, 404 of unknown routes included.
///
/// `Router(audited:)` has it as its first middleware.
public struct ProblemMiddleware<Context: AuditedRequestContext>: RouterMiddleware {
    public init() {}

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPParserError {
            // The body is not HTTP: the server's own answer, which also closes the connection.
            throw error
        } catch {
            return Problem.response(to: error, request: request, context: context)
        }
    }
}
