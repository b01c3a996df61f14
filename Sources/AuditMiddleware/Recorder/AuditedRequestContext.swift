public import Hummingbird

/// A request context whose requests are recorded.
public protocol AuditedRequestContext: RequestContext {
    /// What is known of the request so far, and the way to emit events about it.
    var audit: AuditContext { get }
    /// Who makes the request, once a scheme has found out.
    var principal: Principal? { get set }
}

/// A context with nothing but what Hummingbird and the recorder need.
public struct BasicAuditedRequestContext: AuditedRequestContext {
    public var coreContext: CoreRequestContextStorage
    public let audit: AuditContext
    public var principal: Principal?

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        audit = AuditContext(source: source, endpointPath: coreContext.endpointPath)
    }
}
