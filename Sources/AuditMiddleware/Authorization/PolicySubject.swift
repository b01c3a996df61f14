public import HTTPTypes
public import Hummingbird

/// What a policy is asked about: who wants what.
public struct PolicySubject: Sendable {
    /// Nil for nobody.
    public var principal: Principal?
    public var permissions: PermissionTable
    /// The route's parameters, as they stand in the path: not decoded.
    public var parameters: Parameters
    /// The request without its body.
    public var head: HTTPRequest

    public init(principal: Principal?, permissions: PermissionTable = [:], parameters: Parameters = .init(), head: HTTPRequest) {
        (self.principal, self.permissions, self.parameters, self.head) = (principal, permissions, parameters, head)
    }
}
