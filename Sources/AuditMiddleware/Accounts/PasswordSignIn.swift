public import AuditEvents
import HTTPTypes
import HummingbirdCore

/// Signing in with a password and, where an account has one, a second factor: limited, recorded, and the same for accounts that do not exist.
///
/// Each attempt first counts against its account and address (`LockoutPolicy`), and is only then judged; a locked one is not, so that a right
/// password looks like a wrong one. Every attempt that is judged costs one password hash.
///
/// ```swift
/// switch try await signIn.attempt(username: name, password: password, code: code, in: context.audit) {
/// case .signedIn(let signedIn): …
/// case let other: throw other.problem(challenge: challenge)!
/// }
/// ```
public struct PasswordSignIn: Sendable {
    let accounts: any AccountStoring
    let lockouts: any LockoutStoring
    let hasher: PasswordHasher
    let policy: LockoutPolicy
    let secondFactor: SecondFactor?
    let clock: AuditClock

    /// - Parameters:
    ///   - sealer: opens second factors. Without one, nobody who has one can sign in.
    public init(
        accounts: any AccountStoring, lockouts: any LockoutStoring, hasher: PasswordHasher, policy: LockoutPolicy = .standard,
        sealer: SecretSealer? = nil, clock: AuditClock = .system
    ) {
        (self.accounts, self.lockouts, self.hasher, self.policy) = (accounts, lockouts, hasher, policy)
        (self.secondFactor, self.clock) = (sealer.map(SecondFactor.init), clock)
    }

    /// Judges an attempt, emits its events, and notes who signed in in `audit`.
    ///
    /// - Parameters:
    ///   - username: as it was typed. More than 256 bytes are nobody's name, and are not recorded.
    ///   - code: a one-time or recovery code, where the client has one.
    /// - Throws: `Problem` 503 with `Retry-After` when as many attempts are under way as may be; errors of the stores.
    public func attempt(username: String, password: String, code: String? = nil, in audit: AuditContext) async throws -> SignInOutcome {
        let verdict: SignInVerdict
        do {
            verdict = try await judge(username: username, password: password, code: code, client: audit.client)
        } catch let busy as PasswordHashingBusy {
            throw try await Self.refuse(busy, in: audit)
        }
        if case .signedIn(let signedIn) = verdict.outcome { audit.note(signedIn.principal) }
        for event in verdict.events { try await Self.emit(event, verdict.actor, in: audit) }
        return verdict.outcome
    }

    static func emit(_ event: SignInEvent, _ actor: EventBody.Actor, in audit: AuditContext) async throws {
        try await audit.emit(event.type, outcome: event.outcome, reason: event.reason, severity: event.severity) { facts in
            facts.actor = actor
            for member in event.details { facts.details[member.key] = member.value }
        }
    }

    static func refuse(_ busy: PasswordHashingBusy, in audit: AuditContext) async throws -> Problem {
        try await audit.emit(.loginFailure, outcome: .error, reason: "too_busy", severity: .medium)
        return Problem(
            .serviceUnavailable, detail: "Too many sign-ins are under way. Try again.",
            headers: [.retryAfter: String(busy.retryAfterSeconds)])
    }

    /// Judges an attempt; the events are the caller's to emit.
    func judge(username typed: String, password: String, code: String?, client: ClientAddress?) async throws -> SignInVerdict {
        // Before anything is counted: a flood is turned away for the price of a look.
        guard !hasher.isFull else { throw PasswordHashingBusy() }
        let username = Username(typed)
        var attempt = SignInAttempt(
            // A text that is no name counts too, so that which ones are names is not told.
            subjects: policy.subjects(account: username?.description ?? typed, address: client?.network.description),
            actor: EventBody.Actor(name: typed.utf8.count <= 256 ? username?.description ?? typed : nil))
        switch try await lockouts.begin(attempt.subjects, policy: policy, at: clock.now()) {
        case .allowed: break
        case .busy: return attempt.refused("attempts_under_way", retryAfterSeconds: 1)
        case .locked(let scopes, let microseconds):
            return attempt.refused("locked", scopes, retryAfterSeconds: Int((microseconds + 999_999) / 1_000_000))
        }
        let found: Found
        do {
            found = try await find(username, password, code)
        } catch {
            // Nothing was judged.
            _ = try? await end(attempt, .released)
            throw error
        }
        attempt.actor = EventBody.Actor(id: found.account?.id, name: attempt.actor.name)
        switch found.result {
        case .wrong(let reason): return attempt.failed(reason, try await end(attempt, .failure))
        case .codeWanted:
            _ = try await end(attempt, .released)
            return attempt.codeWanted()
        case .right(let account, let factor, let wasUpgraded):
            return attempt.succeeded(account, factor: factor, wasUpgraded: wasUpgraded, try await end(attempt, .success))
        }
    }

    private struct Found {
        enum Result {
            case wrong(String)
            case codeWanted
            case right(StoredAccount, factor: String, wasUpgraded: Bool)
        }
        var account: StoredAccount?
        var result: Result
    }

    private func find(_ username: Username?, _ password: String, _ code: String?) async throws -> Found {
        var account: StoredAccount?
        if let username { account = try await accounts.account(named: username.description) }
        // No policy lets a password be as long: it is nobody's.
        guard password.utf8.count <= 1024 else { return Found(account: account, result: .wrong("malformed")) }
        let verdict = try await hasher.verify(password, against: account?.passwordHash)
        guard let account else { return Found(result: .wrong("unknown_account")) }
        guard verdict.matches else { return Found(account: account, result: .wrong("bad_password")) }
        guard account.disabled == nil else { return Found(account: account, result: .wrong("disabled")) }
        var factor = "password"
        if let stored = account.secondFactor {
            guard let code, !code.isEmpty else { return Found(account: account, result: .codeWanted) }
            switch secondFactor?.judge(code, stored, owner: account.id, at: clock.now().microseconds / 1_000_000) ?? .refused("no_sealer") {
            case .refused(let reason): return Found(account: account, result: .wrong(reason))
            case .code(let counter):
                guard try await accounts.useCode(counter: counter, of: account.id) else {
                    return Found(account: account, result: .wrong("code_reused"))
                }
                factor = "password+totp"
            case .recoveryCode(let hash):
                guard try await accounts.useRecoveryCode(hash, of: account.id) else {
                    return Found(account: account, result: .wrong("bad_recovery_code"))
                }
                factor = "password+recovery_code"
            }
        }
        return Found(
            account: account,
            result: .right(account, factor: factor, wasUpgraded: verdict.isOutdated ? await upgrade(account, password) : false))
    }

    /// Keeps the password as a better hash. That there is no room for it now does not keep anybody out: the next sign-in tries again.
    private func upgrade(_ account: StoredAccount, _ password: String) async -> Bool {
        guard let hash = try? await hasher.hash(password) else { return false }
        return (try? await accounts.setPasswordHash(hash, of: account.id, replacing: account.passwordHash, at: nil)) ?? false
    }

    /// In a task of its own: that the client has left does not undo what it tried.
    private func end(_ attempt: SignInAttempt, _ verdict: LockoutVerdict) async throws -> [LockoutChange] {
        let (lockouts, policy, now) = (lockouts, policy, clock.now())
        return try await Task { try await lockouts.end(attempt.subjects, verdict, policy: policy, at: now) }.value
    }
}
