import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// One's own API keys, for programs that read and fill the shelves. A key cannot make keys: these routes take access tokens alone.
struct APIKeyRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let keys: APIKeys
    let clock: AuditClock

    static let lifetimeSeconds: Int64 = 90 * 86_400
    private static let label = JSONSchema.string(pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")
    private static let key = JSONSchema.object(["id": .string, "label": .string, "expires": .string(format: "date-time")]).named("APIKey")
    private static let newKey = JSONSchema.object([
        "id": .string, "label": .string, "expires": .string(format: "date-time"), "key": .string,
    ]).named("NewAPIKey")

    func add(to routes: AuditedRouter<Context>) {
        routes.get(
            "api-keys", policy: .authenticated,
            APIOperation("One's own API keys that are good", gives: [.ok: .json(.array(of: Self.key))]),
            use: list)
        routes.post(
            "api-keys", policy: .authenticated,
            APIOperation(
                "Makes an API key with one's own roles; its text is shown this once", takes: .object(["label": Self.label]),
                gives: [.created: .json(Self.newKey)], fails: [.conflict, .unprocessableContent]),
            use: issue)
        routes.delete(
            "api-keys/:id", policy: .authenticated,
            APIOperation(
                "Revokes an API key of one's own", parameters: [.path("id", .string(pattern: "^[A-Za-z0-9_-]{1,64}$"))],
                gives: [.noContent: .empty],
                fails: [.notFound]),
            use: revoke)
    }

    @Sendable func list(_ request: Request, _ context: Context) async throws -> Response {
        let now = clock.now()
        let live = try await keys.keys(of: context.principal?.id ?? "").filter { $0.revoked == nil && ($0.expires ?? now) > now }
        return Response.json(.array(live.map { .object(Self.json($0)) }))
    }

    @Sendable func issue(_ request: Request, _ context: Context) async throws -> Response {
        guard let label = try await request.jsonObject()["label"]?.string, Self.isLabel(label), let principal = context.principal else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_label", severity: .low)
            throw Problem(
                .unprocessableContent,
                detail: "label is required: 1 to 50 letters, digits, '.', '_' and '-', the first a letter or a digit.")
        }
        let (text, key) = try await keys.issue(
            owner: principal.id, label: label, roles: principal.roles.sorted(),
            expires: clock.now().advanced(bySeconds: Self.lifetimeSeconds),
            in: context.audit)
        var answer = Self.json(key)
        answer["key"] = .string(text)
        return .json(.object(answer), status: .created, headers: [.cacheControl: "no-store"])
    }

    @Sendable func revoke(_ request: Request, _ context: Context) async throws -> Response {
        guard let id = context.parameters.get("id"), let owner = context.principal?.id,
            try await keys.revoke(id, of: owner, in: context.audit)
        else { throw Problem(.notFound, detail: "There is no such key.") }
        return Response(status: .noContent)
    }

    private static func isLabel(_ text: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            default: false
            }
        }
        guard (1...50).contains(text.utf8.count), let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func json(_ key: StoredAPIKey) -> JSONObject {
        ["id": .string(key.id), "label": .string(key.label), "expires": key.expires.map { .string($0.description) } ?? .null]
    }
}
