/// Who may do something: a tree of what is asked of the principal, put together by `allOf`, `anyOf` and `not`.
///
/// ```swift
/// let policy = Policy.anyOf(.role("admin"), .allOf(.scope("books:write"), .owner(of: "user")))
/// ```
///
/// Of nobody nothing but `anyone`, `authenticated` and checks can be told: what asks for more is unknown then, and so is its negation. Only
/// a policy that holds lets in, hence `not(role("guest"))` is no way in for nobody. Names are compared by their UTF-8 bytes.
public struct Policy: Sendable, CustomStringConvertible {
    indirect enum Node: Sendable {
        case anyone, authenticated
        case role(String)
        case scope(String)
        case permission(String)
        case owner(parameter: String)
        case check(PolicyCheck)
        case all([Policy])
        case any([Policy])
        case not(Policy)
    }

    let node: Node

    /// Everybody, signed in or not.
    public static let anyone = Policy(node: .anyone)
    /// Whoever is signed in.
    public static let authenticated = Policy(node: .authenticated)

    /// Who has this role.
    public static func role(_ name: String) -> Policy { Policy(node: .role(name)) }
    /// Whose credential has this scope (RFC 6749 §3.3).
    public static func scope(_ name: String) -> Policy { Policy(node: .scope(name)) }
    /// Who has a role that the `PermissionTable` gives this permission.
    public static func permission(_ name: String) -> Policy { Policy(node: .permission(name)) }
    /// Whose id is the value of the route's parameter of this name, as it stands in the path.
    public static func owner(of parameter: String) -> Policy { Policy(node: .owner(parameter: parameter)) }
    /// Of whom `holds` says so; it is asked only where the rest does not decide, and for nobody too.
    /// - Parameter name: for events and listings.
    public static func check(_ name: String, _ holds: @escaping @Sendable (PolicySubject) async throws -> Bool) -> Policy {
        Policy(node: .check(PolicyCheck(name: name, holds: holds)))
    }
    /// Who meets them all, looked at in this order. None at all lets nobody in: a policy of nothing is taken for a mistake.
    public static func allOf(_ policies: Policy...) -> Policy { allOf(policies) }
    public static func allOf(_ policies: [Policy]) -> Policy { Policy(node: .all(policies)) }
    /// Who meets one of them, looked at in this order. None at all lets nobody in.
    public static func anyOf(_ policies: Policy...) -> Policy { anyOf(policies) }
    public static func anyOf(_ policies: [Policy]) -> Policy { Policy(node: .any(policies)) }
    /// Who does not meet it.
    public static func not(_ policy: Policy) -> Policy { Policy(node: .not(policy)) }

    /// The policy as text: `anyOf(role:admin, allOf(scope:books:write, owner(user)))`.
    public var description: String {
        switch node {
        case .anyone: "anyone"
        case .authenticated: "authenticated"
        case .role(let name): "role:\(name)"
        case .scope(let name): "scope:\(name)"
        case .permission(let name): "permission:\(name)"
        case .owner(let parameter): "owner(\(parameter))"
        case .check(let check): "check(\(check.name))"
        case .all(let policies): "allOf(\(policies.map(\.description).joined(separator: ", ")))"
        case .any(let policies): "anyOf(\(policies.map(\.description).joined(separator: ", ")))"
        case .not(let policy): "not(\(policy))"
        }
    }

    /// The route parameters that the policy speaks of.
    var parameters: [String] {
        switch node {
        case .owner(let parameter): [parameter]
        case .all(let policies), .any(let policies): policies.flatMap(\.parameters)
        case .not(let policy): policy.parameters
        default: []
        }
    }

    /// The scopes that let in, alone or with others.
    var scopes: [String] {
        switch node {
        case .scope(let name): [name]
        case .all(let policies), .any(let policies): policies.flatMap(\.scopes)
        default: []
        }
    }

    /// All of the policies; each once, and nil where there is none.
    static func together(_ policies: [Policy]) -> Policy? {
        var kept: [Policy] = []
        for policy in policies where !kept.contains(where: { $0.description.utf8.elementsEqual(policy.description.utf8) }) {
            kept.append(policy)
        }
        return kept.count > 1 ? .allOf(kept) : kept.first
    }
}

/// A question of the application's own, by name.
final class PolicyCheck: Sendable {
    let name: String
    let holds: @Sendable (PolicySubject) async throws -> Bool

    init(name: String, holds: @escaping @Sendable (PolicySubject) async throws -> Bool) { (self.name, self.holds) = (name, holds) }
}
