import AuditEvents
public import HTTPTypes
public import HummingbirdCore
import Synchronization

/// Accepts API keys in a header field of their own, or in `Authorization: ApiKey`; never in a query, which ends in logs.
///
/// What the store says of a key is remembered for at most a second: so long may a revoked one still be let in.
public struct APIKeyAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    public var securityScheme: SecurityScheme { .header(header.rawName, name: "api_key") }
    private let store: any APIKeyStoring
    private let prefix: String
    private let header: HTTPField.Name
    private let clock: AuditClock
    private let memory: Memory

    private final class Memory: Sendable {
        let keys: Mutex<ShortMemory<String, StoredAPIKey?>>
        let used: Mutex<ShortMemory<String, Bool>>
        init(capacity: Int) {
            keys = Mutex(ShortMemory(capacity: capacity))
            used = Mutex(ShortMemory(capacity: capacity))
        }
    }

    private static let memoryMicroseconds: Int64 = 900_000

    /// - Parameters:
    ///   - keys: whose keys are accepted.
    ///   - header: the field, `X-API-Key` as a standard.
    ///   - capacity: how many keys are remembered at once.
    public init(keys: APIKeys, header: HTTPField.Name = .apiKey, realm: String, capacity: Int = 10_000, clock: AuditClock = .system) {
        (store, prefix, self.header, self.clock) = (keys.store, keys.prefix, header, clock)
        memory = Memory(capacity: capacity)
        challenge = AuthenticationChallenge(scheme: "ApiKey", parameters: ["realm": realm, "header": header.rawName])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        var presented = request.headers.filter { $0.name == header }.map(\.value)
        if let own = request.headers[.authorization].flatMap(Self.credentials) { presented.append(own) }
        guard let text = presented.first else { return .absent }
        guard presented.count == 1 else {
            var rejection = Self.rejection("repeated_header", .medium)
            (rejection.status, rejection.detail) = (.badRequest, "The request has more than one API key.")
            return .rejected(rejection)
        }
        // Nothing else is asked of what cannot be a key; nor is it worth a fingerprint.
        guard let key = APIKey(text, prefix: prefix) else { return .rejected(Self.rejection("malformed", .low)) }
        let fingerprint = context.audit.fingerprint(text, purpose: .token)
        context.audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, keyID: key.name) }
        guard let stored = try await stored(key.id) else { return .rejected(Self.rejection("unknown_key", .medium)) }
        guard Secret.equal(stored.hash, key.hash) else { return .rejected(Self.rejection("wrong_secret", .medium)) }

        let principal = Self.principal(stored)
        let now = clock.now()
        if let reason = Self.reason(against: stored, at: now) {
            context.audit.note(principal)
            return .rejected(Self.rejection(reason, reason == "expired" ? .low : .high))
        }
        await noteUse(of: stored, at: now)
        return .authenticated(principal)
    }

    private func stored(_ id: String) async throws -> StoredAPIKey? {
        // The time is taken before the store is asked: what it says may be as old as that.
        let now = clock.monotonicMicroseconds()
        if let known = memory.keys.withLock({ $0.value(id, at: now) }) { return known }
        let stored = try await store.key(id)
        memory.keys.withLock { $0.remember(id, stored, until: now + Self.memoryMicroseconds) }
        return stored
    }

    /// At most once a minute. That it cannot be written is no reason to refuse the request.
    private func noteUse(of key: StoredAPIKey, at now: Timestamp) async {
        let monotonic = clock.monotonicMicroseconds()
        if let last = key.lastUsed, last.advanced(bySeconds: 60) > now { return }
        let isDue = memory.used.withLock { used in
            guard used.value(key.id, at: monotonic) == nil else { return false }
            used.remember(key.id, true, until: monotonic + 60_000_000)
            return true
        }
        if isDue { try? await store.touch(key.id, at: now) }
    }

    private static func reason(against key: StoredAPIKey, at now: Timestamp) -> String? {
        if key.revoked != nil { return "revoked" }
        if let expires = key.expires, expires <= now { return "expired" }
        return key.account?.isDisabled == true ? "disabled" : nil
    }

    /// A key of an account has no role that the account has not.
    private static func principal(_ key: StoredAPIKey) -> Principal {
        let roles = Set(key.roles)
        return Principal(
            id: key.owner, name: key.account?.username ?? (key.label.isEmpty ? nil : key.label), kind: key.kind,
            roles: key.account.map { roles.intersection($0.roles) } ?? roles, scopes: Set(key.scopes))
    }

    private static func rejection(_ reason: String, _ severity: Severity) -> AuthenticationRejection {
        var rejection = AuthenticationRejection(reason: reason, severity: severity, detail: "The API key is not valid.")
        rejection.details["scheme"] = "api_key"
        return rejection
    }

    /// What follows `ApiKey`; nil for another scheme.
    private static func credentials(_ field: String) -> String? {
        let bytes = field.utf8
        guard bytes.count >= 6, zip(bytes, "apikey".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        let rest = bytes.dropFirst(6)
        guard rest.isEmpty || rest.first == UInt8(ascii: " ") else { return nil }
        return String(Substring(rest.drop { $0 == UInt8(ascii: " ") }))
    }
}

extension HTTPField.Name {
    /// `X-API-Key`.
    public static let apiKey = HTTPField.Name("X-API-Key") ?? .authorization
}
