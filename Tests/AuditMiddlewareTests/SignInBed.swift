import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import AuditMiddleware

/// An application where people sign in: everything but the passwords is given back as it is.
struct SignInBed: Sendable {
    let test = TestApplication()
    let accounts = MemoryAccountStore()
    let hasher: PasswordHasher
    let signIn: PasswordSignIn
    let users: UserAccounts
    let keys: APIKeys

    init(hasher: PasswordHasher = PasswordHasher(parameters: .cheap), policy: LockoutPolicy = .standard) throws {
        self.hasher = hasher
        let sealer = try #require(SecretSealer(key: [UInt8](repeating: 3, count: 32)))
        signIn = PasswordSignIn(
            accounts: accounts, lockouts: MemoryLockoutStore(), hasher: hasher, policy: policy, sealer: sealer, clock: test.clock.clock)
        users = UserAccounts(signIn: signIn, policy: PasswordPolicy(minimumLength: 8), issuer: "Shop")
        keys = try #require(APIKeys(store: accounts, prefix: "shop", limit: 3, clock: test.clock.clock))
    }

    /// `POST /login` takes name, password and code, a line each; the rest is for those who show it by key or Basic.
    func router(memorySeconds: Int = 60) -> Router<TestContext> {
        let router = TestApplication.router()
        let challenge = AuthenticationChallenge(scheme: "Login", parameters: ["realm": "shop"])
        router.post("login") { request, context -> String in
            let lines = String(buffer: try await request.body.collect(upTo: 300_000)).split(
                separator: "\n", omittingEmptySubsequences: false)
            let outcome = try await signIn.attempt(
                username: String(lines.first ?? ""), password: String(lines.dropFirst().first ?? ""),
                code: lines.dropFirst(2).first.map(String.init), in: context.audit)
            if case .signedIn(let signedIn) = outcome { return "\(signedIn.principal.name ?? "") by \(signedIn.factor)" }
            throw outcome.problem(challenge: challenge) ?? Problem(.internalServerError)
        }
        let shown = router.group().add(
            middleware: Authentication(
                BasicAuthenticator(signIn, realm: "shop", memorySeconds: memorySeconds, capacity: 16),
                APIKeyAuthenticator(keys: keys, realm: "shop", clock: test.clock.clock)))
        shown.get("me") { _, context in
            "\(context.principal?.name ?? "nobody") \(context.principal?.roles.sorted() ?? [])"
        }
        shown.post("password") { request, context -> String in
            let lines = String(buffer: try await request.body.collect(upTo: 10_000)).split(separator: "\n").map(String.init)
            try await users.changePassword(of: context.principal?.id ?? "", current: lines[0], new: lines[1], in: context.audit)
            return "changed"
        }
        return router
    }

    @discardableResult
    func add(_ username: String, _ password: String, roles: [String] = []) async throws -> StoredAccount {
        let account = StoredAccount(
            id: "id-\(username)", username: username, passwordHash: try await hasher.hash(password), roles: roles, created: test.clock.now)
        try #require(try await accounts.create(account))
        return account
    }

    func events(_ type: EventType) -> [AuditEvent] { test.sink.events(type) }
}

extension TestClientProtocol {
    func login(_ username: String, _ password: String, _ code: String? = nil) async throws -> TestResponse {
        try await execute(
            uri: "/login", method: .post, body: ByteBuffer(string: [username, password, code].compactMap(\.self).joined(separator: "\n")))
    }

    func basic(_ username: String, _ password: String) async throws -> TestResponse {
        try await me([.authorization: "Basic " + basicToken("\(username):\(password)")])
    }

    func me(_ headers: HTTPFields) async throws -> TestResponse { try await execute(uri: "/me", method: .get, headers: headers) }
}

func basicToken(_ text: String) -> String { basicToken(Array(text.utf8)) }
func basicToken(_ bytes: [UInt8]) -> String {
    let text = StrictBase64.encode(bytes)
    return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
}
