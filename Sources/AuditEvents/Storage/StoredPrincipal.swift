/// Whom a session or a family of tokens speaks for, as it is stored.
public struct StoredPrincipal: Sendable, Hashable {
    /// The account, compared by its UTF-8 bytes.
    public var id: String
    public var name: String?
    public var kind: ActorKind
    /// Sorted by the bytes of their UTF-8.
    public var roles: [String]
    public var scopes: [String]

    public init(
        id: String, name: String? = nil, kind: ActorKind = .user, roles: some Sequence<String> = [], scopes: some Sequence<String> = []
    ) {
        (self.id, self.name, self.kind) = (id, name, kind)
        self.roles = roles.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.scopes = scopes.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The longest JSON form that is stored, in bytes.
    public static let maximumBytes = 16 * 1024

    /// Whether a store takes it: an id of 1 to 256 bytes, no NUL anywhere, and not more than `maximumBytes` in all.
    public var isStorable: Bool {
        let texts = [id, name ?? ""] + roles + scopes
        return (1...256).contains(id.utf8.count) && !texts.contains { $0.utf8.contains(0) }
            && CanonicalJSON.encode(.object(json)).count <= Self.maximumBytes
    }

    public var json: JSONObject {
        var json: JSONObject = ["id": .string(id), "kind": .string(kind.rawValue)]
        if let name { json["name"] = .string(name) }
        if !roles.isEmpty { json["roles"] = .array(roles.map { .string($0) }) }
        if !scopes.isEmpty { json["scopes"] = .array(scopes.map { .string($0) }) }
        return json
    }

    /// From its JSON form; nil where that lacks the id or the kind.
    public init?(json: JSONObject) {
        guard let id = json["id"]?.string, let kind = json["kind"]?.string.flatMap(ActorKind.init) else { return nil }
        self.init(
            id: id, name: json["name"]?.string, kind: kind, roles: (json["roles"]?.array ?? []).compactMap(\.string),
            scopes: (json["scopes"]?.array ?? []).compactMap(\.string))
    }
}
