public import AuditEvents

/// Which role gives which permissions: data, to be changed without touching routes.
public struct PermissionTable: Sendable, ExpressibleByDictionaryLiteral {
    /// By bytes: `String` would fold names that only look alike.
    private var permissions: [[UInt8]: Set<[UInt8]>] = [:]

    public init(dictionaryLiteral elements: (String, [String])...) { self.init(elements) }

    /// The table of these pairs; a role that is there twice has the permissions of both.
    public init(_ roles: some Sequence<(String, [String])>) {
        for (role, names) in roles { permissions[Array(role.utf8), default: []].formUnion(names.map { Array($0.utf8) }) }
    }

    /// The table of an object like `{"editor": ["books:write"]}`; nil where it is of another shape.
    public init?(json: JSONObject) {
        var roles: [(String, [String])] = []
        for member in json.members {
            guard let values = member.value.array else { return nil }
            let names = values.compactMap(\.string)
            guard names.count == values.count else { return nil }
            roles.append((member.key, names))
        }
        self.init(roles)
    }

    /// Whether one of `roles` gives `permission`.
    public func gives(_ permission: String, to roles: some Sequence<String>) -> Bool {
        guard !permissions.isEmpty else { return false }
        let name = Array(permission.utf8)
        return roles.contains { permissions[Array($0.utf8)]?.contains(name) == true }
    }
}
