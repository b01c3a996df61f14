public import Hummingbird
public import HummingbirdCore

/// How many of the plain successes are recorded: requests that went well and during which no other event was emitted.
///
/// Nothing else is ever left out: failures, refusals, and every event that a layer emits are recorded whatever is chosen here. What was left out
/// is counted in the heartbeats.
public struct RequestSampling: Sendable, Hashable {
    let interval: Int

    /// Every one.
    public static let all = RequestSampling(interval: 1)
    /// None: a health check, a metrics endpoint.
    public static let none = RequestSampling(interval: 0)
    /// About one in `count`, by chance. What is recorded has `details.sample_rate`, by which counts can be multiplied.
    public static func oneIn(_ count: Int) -> RequestSampling { RequestSampling(interval: max(1, count)) }
}

/// Samples the requests of a route or a group otherwise than the recorder does.
///
/// ```swift
/// router.group().add(middleware: SampleRequests(.none)).get("health") { _, _ in HTTPResponse.Status.ok }
/// ```
public struct SampleRequests<Context: AuditedRequestContext>: RouterMiddleware {
    private let sampling: RequestSampling

    public init(_ sampling: RequestSampling) { self.sampling = sampling }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        context.audit.sample(sampling)
        return try await next(request, context)
    }
}
