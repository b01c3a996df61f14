import AuditEvents

/// What an attempt to sign in leads to: pure, once everything about it is known.
struct SignInAttempt: Sendable {
    let subjects: [LockoutSubject]
    var actor: EventBody.Actor

    /// It was not judged.
    func refused(_ reason: String, _ scopes: [LockoutScope] = [], retryAfterSeconds: Int) -> SignInVerdict {
        var event = SignInEvent(type: .loginFailure, outcome: .denied, reason: reason, severity: .low, details: Self.factor("password"))
        event.details["retry_after_seconds"] = .int(Int64(retryAfterSeconds))
        if !scopes.isEmpty { event.details["locked_by"] = .array(scopes.map { .string($0.description) }) }
        return SignInVerdict(outcome: .locked(retryAfterSeconds: max(1, retryAfterSeconds)), actor: actor, events: [event])
    }

    func failed(_ reason: String, _ changes: [LockoutChange]) -> SignInVerdict {
        let factor = reason.hasSuffix("code") || reason == "code_reused" ? "second_factor" : "password"
        var event = SignInEvent(type: .loginFailure, outcome: .failure, reason: reason, severity: .low, details: Self.factor(factor))
        if let most = Self.ofAccount(changes)?.failures { event.details["failures"] = .int(Int64(most)) }
        var events = [event]
        let locks = changes.filter { $0.lockedMicroseconds != nil }
        if let seconds = locks.compactMap(\.lockedMicroseconds).max().map({ $0 / 1_000_000 }) {
            let details: JSONObject = [
                "scopes": .array(locks.map { .string($0.scope.description) }),
                "failures": .int(Int64(locks.map(\.failures).max() ?? 0)), "lock_seconds": .int(seconds),
            ]
            events.append(
                SignInEvent(type: .loginFailureMaximum, outcome: .failure, reason: "max_failures", severity: .medium, details: details))
            events.append(SignInEvent(type: .loginLocked, outcome: .denied, reason: "max_failures", severity: .medium, details: details))
        }
        // The attempt that brings a lock is still told what any wrong one is: the next is told of the lock.
        return SignInVerdict(outcome: .rejected, actor: actor, events: events)
    }

    func codeWanted() -> SignInVerdict {
        let event = SignInEvent(type: .secondFactorRequired, outcome: .unknown, details: Self.factor("password"))
        return SignInVerdict(outcome: .secondFactorRequired, actor: actor, events: [event])
    }

    func succeeded(_ account: StoredAccount, factor: String, wasUpgraded: Bool, _ changes: [LockoutChange]) -> SignInVerdict {
        let failures = Self.ofAccount(changes)?.failures ?? 0
        var event = SignInEvent(
            type: failures > 0 ? .loginSuccessAfterFailure : .loginSuccess, outcome: .success, details: Self.factor(factor))
        if failures > 0 { event.details["failures"] = .int(Int64(failures)) }
        if wasUpgraded { event.details["upgraded"] = true }
        let signedIn = SignedIn(
            principal: Principal(id: account.id, name: account.username, roles: Set(account.roles)), factor: factor,
            wasUpgraded: wasUpgraded, failuresBefore: failures)
        return SignInVerdict(outcome: .signedIn(signedIn), actor: EventBody.Actor(id: account.id, name: account.username), events: [event])
    }

    private static func factor(_ name: String) -> JSONObject { ["factor": .string(name)] }

    private static func ofAccount(_ changes: [LockoutChange]) -> LockoutChange? {
        changes.first { $0.scope == .account } ?? changes.first { $0.scope == .both }
    }
}
