import AuditEvents
import Crypto
import HTTPTypes
public import HummingbirdCore
import Synchronization

/// Accepts a user name and password in `Authorization: Basic` (RFC 7617), with all that `PasswordSignIn` has: limits, locks, events.
///
/// A password that was right is remembered for a while, for this user at this address alone, as a keyed hash under a key of this process: else
/// every request would cost a password hash. What is remembered never lets a guess in: one wrong attempt at the same user from the same address
/// forgets it, and the next must go past the lock. Whether the account is still as it was is asked every second. Accounts with a second factor
/// are refused: the scheme has no place for a code.
public struct BasicAuthenticator: Authenticator {
    public let challenge: AuthenticationChallenge?
    private let signIn: PasswordSignIn
    private let memorySeconds: Int
    private let memory: Memory

    private struct Entry: Sendable {
        var credential: [UInt8]
        var passwordHash: String
        var principal: Principal
        var until: Int64
    }

    private final class Memory: Sendable {
        struct State {
            var entries: ShortMemory<[UInt8], Entry>
            /// When the store was last asked about the account of an entry.
            var fresh: ShortMemory<[UInt8], Bool>
            /// Attempts under way, by what they present: of many that come at once with the same, one is judged.
            var underWay: [[UInt8]: Task<SignInVerdict, any Error>] = [:]
        }
        let key = SymmetricKey(size: .bits256)
        let state: Mutex<State>
        init(capacity: Int) {
            state = Mutex(State(entries: ShortMemory(capacity: capacity), fresh: ShortMemory(capacity: capacity)))
        }
    }

    /// - Parameters:
    ///   - memorySeconds: for how long a right password is remembered, at most 300; 0: not at all.
    ///   - capacity: how many are remembered at once.
    public init(_ signIn: PasswordSignIn, realm: String, memorySeconds: Int = 60, capacity: Int = 1000) {
        self.signIn = signIn
        self.memorySeconds = min(max(memorySeconds, 0), 300)
        memory = Memory(capacity: capacity)
        challenge = AuthenticationChallenge(scheme: "Basic", parameters: ["realm": realm, "charset": "UTF-8"])
    }

    public func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let field = request.headers[.authorization] else { return .absent }
        let credentials: BasicCredentials
        switch BasicCredentials.read(field) {
        case .otherScheme: return .absent
        case .malformed:
            return .rejected(
                AuthenticationRejection(event: .loginFailure, reason: "malformed", severity: .low, detail: SignInOutcome.rejection))
        case .credentials(let read): credentials = read
        }
        let client = context.audit.client
        let name = Username(credentials.username)?.description ?? credentials.username
        let place = mac("place", [name, client?.network.description ?? ""])
        let credential = mac("credential", [name, client?.network.description ?? "", credentials.password])
        if let principal = try await remembered(place, credential) { return .authenticated(principal) }

        let (verdict, isFirst): (SignInVerdict, Bool)
        do {
            (verdict, isFirst) = try await judge(credentials, place, credential, client)
        } catch let busy as PasswordHashingBusy {
            throw try await PasswordSignIn.refuse(busy, in: context.audit)
        }
        return try await answer(verdict, isFirst: isFirst, in: context.audit)
    }

    // MARK: Judging

    private func judge(
        _ credentials: BasicCredentials, _ place: [UInt8], _ credential: [UInt8], _ client: ClientAddress?
    ) async throws -> (SignInVerdict, isFirst: Bool) {
        let (task, isFirst) = memory.state.withLock { state in
            if let task = state.underWay[credential] { return (task, false) }
            // Not this request's own task: others wait for it too.
            let task = Task {
                defer { memory.state.withLock { $0.underWay[credential] = nil } }
                let verdict = try await signIn.judge(
                    username: credentials.username, password: credentials.password, code: nil, client: client)
                await note(verdict, place, credential)
                return verdict
            }
            state.underWay[credential] = task
            return (task, true)
        }
        return (try await task.value, isFirst)
    }

    private func note(_ verdict: SignInVerdict, _ place: [UInt8], _ credential: [UInt8]) async {
        guard case .signedIn(let signedIn) = verdict.outcome, memorySeconds > 0,
            let account = try? await signIn.accounts.account(id: signedIn.principal.id)
        else { return memory.state.withLock { $0.entries.forget(place) } }
        let now = signIn.clock.monotonicMicroseconds()
        let until = now + Int64(memorySeconds) * 1_000_000
        memory.state.withLock { state in
            state.entries.remember(
                place, Entry(credential: credential, passwordHash: account.passwordHash, principal: signedIn.principal, until: until),
                until: until)
            state.fresh.remember(place, true, until: now + 900_000)
        }
    }

    private func answer(_ verdict: SignInVerdict, isFirst: Bool, in audit: AuditContext) async throws -> AuthenticationResult {
        // The decisive event of a refusal is emitted by who asked; of many that were judged as one, each has its own.
        let others = isFirst ? verdict.events.dropFirst() : []
        if case .signedIn(let signedIn) = verdict.outcome {
            audit.note(signedIn.principal)
            if isFirst { for event in verdict.events { try await PasswordSignIn.emit(event, verdict.actor, in: audit) } }
            return .authenticated(signedIn.principal)
        }
        for event in others { try await PasswordSignIn.emit(event, verdict.actor, in: audit) }
        audit.update { $0.actor = verdict.actor }
        let decisive = verdict.events.first
        var rejection = AuthenticationRejection(
            event: decisive?.type ?? .loginFailure, reason: decisive?.reason ?? "second_factor_required",
            severity: decisive?.severity ?? .low, detail: SignInOutcome.rejection)
        rejection.details = decisive?.details ?? [:]
        if case .locked(let seconds) = verdict.outcome {
            (rejection.status, rejection.detail) = (.tooManyRequests, SignInOutcome.lock)
            rejection.headers[.retryAfter] = String(seconds)
        }
        if case .secondFactorRequired = verdict.outcome { rejection.event = .loginFailure }
        return .rejected(rejection)
    }

    // MARK: Remembering

    private func remembered(_ place: [UInt8], _ credential: [UInt8]) async throws -> Principal? {
        let now = signIn.clock.monotonicMicroseconds()
        let (entry, isFresh) = memory.state.withLock { state -> (Entry?, Bool) in
            guard let entry = state.entries.value(place, at: now) else { return (nil, false) }
            guard Secret.equal(entry.credential, credential) else {
                // Somebody tries another password: what is remembered must not answer the next guess.
                state.entries.forget(place)
                return (nil, false)
            }
            return (entry, state.fresh.value(place, at: now) != nil)
        }
        guard var entry else { return nil }
        if isFresh { return entry.principal }
        guard let account = try await signIn.accounts.account(id: entry.principal.id), account.disabled == nil, account.secondFactor == nil,
            account.passwordHash == entry.passwordHash
        else {
            memory.state.withLock { $0.entries.forget(place) }
            return nil
        }
        entry.principal.roles = Set(account.roles)
        memory.state.withLock { state in
            // Unless it was forgotten meanwhile.
            guard let known = state.entries.value(place, at: now), known.credential == entry.credential else { return }
            state.entries.remember(place, entry, until: entry.until)
            state.fresh.remember(place, true, until: now + 900_000)
        }
        return entry.principal
    }

    /// Each part hashed to a fixed length, so that no two lists run together.
    private func mac(_ purpose: String, _ parts: [String]) -> [UInt8] {
        var mac = HMAC<SHA256>(key: memory.key)
        mac.update(data: Array(SHA256.hash(data: Array(purpose.utf8))))
        for part in parts { mac.update(data: Array(SHA256.hash(data: Array(part.utf8)))) }
        return Array(mac.finalize())
    }
}
