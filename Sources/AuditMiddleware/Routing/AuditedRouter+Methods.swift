public import HTTPTypes
public import Hummingbird
public import HummingbirdCore

extension AuditedRouter {
    public typealias Handler<Output: ResponseGenerator> = @Sendable (Request, Context) async throws -> Output

    /// Adds a route for GET, and with it HEAD.
    @discardableResult public func get<Output: ResponseGenerator>(
        _ path: RouterPath = "", policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(path, method: .get, policy: policy, privileged: privileged, operation, use: handler)
    }

    /// Adds a route for POST.
    @discardableResult public func post<Output: ResponseGenerator>(
        _ path: RouterPath = "", policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(path, method: .post, policy: policy, privileged: privileged, operation, use: handler)
    }

    /// Adds a route for PUT.
    @discardableResult public func put<Output: ResponseGenerator>(
        _ path: RouterPath = "", policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(path, method: .put, policy: policy, privileged: privileged, operation, use: handler)
    }

    /// Adds a route for PATCH.
    @discardableResult public func patch<Output: ResponseGenerator>(
        _ path: RouterPath = "", policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(path, method: .patch, policy: policy, privileged: privileged, operation, use: handler)
    }

    /// Adds a route for DELETE.
    @discardableResult public func delete<Output: ResponseGenerator>(
        _ path: RouterPath = "", policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(path, method: .delete, policy: policy, privileged: privileged, operation, use: handler)
    }

    /// Adds a route for any method.
    @discardableResult public func on<Output: ResponseGenerator>(
        _ path: RouterPath, method: HTTPRequest.Method, policy: Policy?, privileged: Bool = false, _ operation: APIOperation? = nil,
        use handler: @escaping Handler<Output>
    ) -> Self {
        on(
            path, method: method, policy: policy, privileged: privileged, operation,
            responder: CallbackResponder { request, context in
                try await handler(request, context).response(from: request, context: context)
            })
    }
}
