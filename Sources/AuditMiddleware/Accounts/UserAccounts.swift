public import AuditEvents
import HTTPTypes

/// Makes, changes and removes accounts, each act with its event.
///
/// Where no request is behind an act (a first administrator at the start), `audit` is nil and there is no event.
public struct UserAccounts: Sendable {
    let signIn: PasswordSignIn
    let policy: PasswordPolicy
    let issuer: String

    var store: any AccountStoring { signIn.accounts }

    /// - Parameter issuer: what authenticator apps call the service.
    public init(signIn: PasswordSignIn, policy: PasswordPolicy = PasswordPolicy(), issuer: String) {
        (self.signIn, self.policy, self.issuer) = (signIn, policy, issuer)
    }

    /// Makes an account.
    ///
    /// - Parameter id: what it is called in tokens and events for ever, at most 256 bytes; a UUIDv7 unless given. Of one that a person once bore no
    ///   other should be made.
    /// - Throws: `Problem`: 400 for a name that is none or a password that is not taken, 409 where the name is taken, 503 where passwords cannot be
    ///   hashed at present.
    public func create(username typed: String, password: String, roles: [String] = [], id: String? = nil, in audit: AuditContext? = nil)
        async throws -> StoredAccount
    {
        guard let username = Username(typed)?.description else {
            try await audit?.emit(.inputValidationFailure, outcome: .failure, reason: "bad_username", severity: .low)
            throw Problem(
                .badRequest,
                detail: "A user name has 1 to 64 of the letters a to z, digits and . _ - + @, and begins with a letter or digit.")
        }
        try Self.check(roles)
        guard id.map({ (1...256).contains($0.utf8.count) && !$0.utf8.contains(0) }) ?? true else {
            throw Problem(.badRequest, detail: "An id has 1 to 256 bytes.")
        }
        if let violation = policy.violation(of: password, username: username) {
            try await audit?.emit(.inputValidationFailure, outcome: .failure, reason: "password_\(violation.code)", severity: .low)
            throw Problem(.badRequest, detail: violation.detail)
        }
        let now = signIn.clock.now()
        let account = StoredAccount(
            id: id ?? EventID(time: now).description, username: username, passwordHash: try await hash(password), roles: roles, created: now
        )
        guard try await store.create(account) else { throw Problem(.conflict, detail: "There is an account of that name.") }
        try await record(.userCreated, account, in: audit) { $0.details["roles"] = .array(roles.map { .string($0) }) }
        return account
    }

    /// Changes a password for somebody who knows it. Attempts count as sign-ins do.
    ///
    /// What is signed in with the former one is the caller's to end.
    /// - Throws: `Problem`: 404, 401 where `current` is wrong, 429 while locked, 400 where the new one is not taken, 503.
    public func changePassword(of id: String, current: String, new: String, in audit: AuditContext) async throws {
        let account = try await account(id)
        let verdict: SignInVerdict
        do {
            verdict = try await signIn.judge(username: account.username, password: current, code: nil, client: audit.client)
        } catch let busy as PasswordHashingBusy {
            throw try await PasswordSignIn.refuse(busy, in: audit)
        }
        switch verdict.outcome {
        case .signedIn, .secondFactorRequired: break
        case .rejected, .locked:
            for (place, var event) in verdict.events.enumerated() {
                if place == 0 { event.type = .passwordChangeFailure }
                try await PasswordSignIn.emit(event, verdict.actor, in: audit)
            }
            guard case .locked(let seconds) = verdict.outcome else { throw Problem(.unauthorized, detail: "The password is wrong.") }
            throw Problem(.tooManyRequests, detail: SignInOutcome.lock, headers: [.retryAfter: String(seconds)])
        }
        // The hash may just have been upgraded.
        try await replacePassword(of: try await self.account(id), with: new, in: audit)
    }

    /// Gives an account another password, by an administrator.
    public func resetPassword(of id: String, to new: String, in audit: AuditContext? = nil) async throws {
        try await replacePassword(of: try await account(id), with: new, in: audit)
    }

    /// Gives an account other roles. What was issued with the former ones is the caller's to end.
    public func setRoles(_ roles: [String], of id: String, in audit: AuditContext? = nil) async throws {
        try Self.check(roles)
        let account = try await account(id)
        guard try await store.setRoles(roles, of: id) else { throw Self.notFound }
        try await record(.authorizationChange, account, in: audit) { facts in
            facts.details["roles"] = .array(roles.map { .string($0) })
            facts.details["former_roles"] = .array(account.roles.map { .string($0) })
        }
    }

    /// Lets an account be, or be in use again. Its API keys go with it.
    public func setDisabled(_ isDisabled: Bool, of id: String, in audit: AuditContext? = nil) async throws {
        let account = try await account(id)
        guard try await store.setDisabled(isDisabled ? signIn.clock.now() : nil, of: id) else { throw Self.notFound }
        try await record(.userUpdated, account, in: audit) { $0.details["change"] = isDisabled ? "disabled" : "enabled" }
    }

    /// Removes an account with its API keys.
    public func delete(_ id: String, in audit: AuditContext? = nil) async throws {
        let account = try await account(id)
        guard try await store.delete(id) else { throw Self.notFound }
        try await record(.userDeleted, account, in: audit) { _ in }
    }

    // MARK: Inside

    func account(_ id: String) async throws -> StoredAccount {
        guard (1...256).contains(id.utf8.count), !id.utf8.contains(0), let account = try await store.account(id: id) else {
            throw Self.notFound
        }
        return account
    }

    static var notFound: Problem { Problem(.notFound, detail: "There is no such account.") }

    func record(_ type: EventType, _ account: StoredAccount, in audit: AuditContext?, _ adjust: (inout AuditFacts) -> Void) async throws {
        try await audit?.emit(type, outcome: .success) { facts in
            facts.target = account.id
            facts.details["username"] = .string(account.username)
            adjust(&facts)
        }
    }

    private func replacePassword(of account: StoredAccount, with new: String, in audit: AuditContext?) async throws {
        if let violation = policy.violation(of: new, username: account.username) {
            try await audit?.emit(.passwordChangeFailure, outcome: .failure, reason: "password_\(violation.code)", severity: .low) {
                $0.target = account.id
            }
            throw Problem(.badRequest, detail: violation.detail)
        }
        let hash = try await hash(new)
        guard try await store.setPasswordHash(hash, of: account.id, replacing: account.passwordHash, at: signIn.clock.now()) else {
            throw Problem(.conflict, detail: "The account was changed meanwhile.")
        }
        try await record(.passwordChange, account, in: audit) { _ in }
    }

    private func hash(_ password: String) async throws -> String {
        do {
            return try await signIn.hasher.hash(password)
        } catch let busy as PasswordHashingBusy {
            throw Problem(
                .serviceUnavailable, detail: "Passwords cannot be hashed at present. Try again.",
                headers: [.retryAfter: String(busy.retryAfterSeconds)])
        }
    }

    private static func check(_ roles: [String]) throws {
        guard roles.count <= 100, roles.allSatisfy({ (1...100).contains($0.utf8.count) && !$0.utf8.contains(0) }) else {
            throw Problem(.badRequest, detail: "At most 100 roles of 1 to 100 bytes.")
        }
    }
}
