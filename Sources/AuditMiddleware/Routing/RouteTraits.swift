public import HTTPTypes

/// What the layers before a route add up to.
public struct RouteTraits: Sendable {
    public var policies: [Policy] = []
    public var requiresCredential = false
    public var schemes: [SecurityScheme] = []
    public var challenges: [AuthenticationChallenge] = []
    public var isPrivileged = false
    public var limits: [String] = []
    /// What the layers themselves may answer with, beside what authentication, policies and limits go without saying for.
    public var problems: Set<HTTPResponse.Status> = []

    public init() {}
}

/// A middleware that says what it means for the routes behind it, for their listing and their description.
public protocol RouteDescribing {
    func describe(_ traits: inout RouteTraits)
}

extension Authentication: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) {
        traits.requiresCredential = traits.requiresCredential || required
        traits.schemes += schemes.map(\.securityScheme)
        traits.challenges += schemes.compactMap(\.challenge)
    }
}

extension Authorize: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) {
        traits.policies.append(policy)
        traits.isPrivileged = traits.isPrivileged || privileged
    }
}

extension RateLimit: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) { traits.limits.append(policy.name) }
}

extension RateLimits: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) { traits.limits += names }
}

extension ConcurrentRequestLimit: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) { traits.limits.append(name) }
}

extension RequestValidation: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) {
        traits.problems.formUnion([.badRequest, .uriTooLong, .requestHeaderFieldsTooLarge])
    }
}

extension TrustedHosts: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) { traits.problems.insert(.badRequest) }
}

extension CrossSiteGuard: RouteDescribing {
    public func describe(_ traits: inout RouteTraits) { traits.problems.insert(.forbidden) }
}
