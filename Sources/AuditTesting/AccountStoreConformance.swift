public import AuditEvents

/// What every store of accounts and API keys must do, as checks that any test framework can run.
public struct AccountStoreConformance: Sendable {
    /// One promise: throws `EventLogConformance.Failure` where a store does not keep it.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (AccountStoreConformance) async throws -> Void
    }

    let accounts: any AccountStoring
    let keys: any APIKeyStoring
    let start = Timestamp(microseconds: 1_800_000_000_123_456)

    public init(_ store: any AccountStoring & APIKeyStoring) { (accounts, keys) = (store, store) }

    /// Each makes accounts of its own, so that they may share a store and run in any order.
    public static let checks: [Check] = [
        Check(description: "an account comes back as it was stored, by name and by id") { try await $0.roundTrip() },
        Check(description: "a name or id is taken once, also by many at once") { try await $0.takenOnce() },
        Check(description: "names that differ in normalisation alone are two") { try await $0.normalisation() },
        Check(description: "strange names are nobody's") { try await $0.strangeNames() },
        Check(description: "accounts are listed by name, page after page") { try await $0.listing() },
        Check(description: "an upgrade does not undo a change of the password") { try await $0.passwords() },
        Check(description: "roles, disabling and deletion say whether there was an account") { try await $0.changes() },
        Check(description: "of many who use one code at once one is let in, and no earlier code after it") { try await $0.codes() },
        Check(description: "a recovery code is good once, also for many at once") { try await $0.recoveryCodes() },
        Check(description: "a key comes back as it was stored, with its owner's account") { try await $0.keyRoundTrip() },
        Check(description: "a key is revoked once, by its owner alone") { try await $0.revocation() },
        Check(description: "an owner has no more live keys than the limit, also at once") { try await $0.keyLimit() },
        Check(description: "a use is noted once a minute") { try await $0.touching() },
        Check(description: "keys that ended long ago go away") { try await $0.retention() },
        Check(description: "an account's keys go with it") { try await $0.deletion() },
    ]

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw EventLogConformance.Failure(description: message()) }
    }

    func name(_ name: String = #function) -> String { "\(name.prefix { $0 != "(" })-\(UInt64.random(in: 0..<(1 << 48)))" }
    func time(_ seconds: Int64) -> Timestamp { start.advanced(bySeconds: seconds) }

    func made(_ account: StoredAccount) async throws -> StoredAccount {
        try expect(try await accounts.create(account), "\(account.username) was not made")
        return account
    }

    func account(_ username: String) -> StoredAccount {
        StoredAccount(id: "id-\(username)", username: username, passwordHash: "$hash", roles: ["b", "a"], created: start)
    }

    func roundTrip() async throws {
        var account = account(name())
        account.secondFactor = StoredSecondFactor(
            sealed: [0, 1, 255], lastCounter: 1 << 40, recoveryCodes: [[UInt8](repeating: 0, count: 32), [9, 8]])
        (account.passwordChanged, account.disabled) = (time(5), time(6))
        _ = try await made(account)
        try expect(try await accounts.account(id: account.id) == account, "it differs by id")
        try expect(try await accounts.account(named: account.username) == account, "it differs by name")
        let plain = try await made(self.account(name("plain")))
        try expect(try await accounts.account(id: plain.id) == plain, "a plain one differs")
    }

    func takenOnce() async throws {
        let account = try await made(account(name()))
        var other = account
        other.id += "x"
        try expect(!(try await accounts.create(other)), "a name was taken twice")
        other = account
        other.username += "x"
        try expect(!(try await accounts.create(other)), "an id was taken twice")
        let contested = name("contested")
        let taken = try await atOnce(20) { number in
            try await accounts.create(StoredAccount(id: "\(contested)-\(number)", username: contested, passwordHash: "h", created: start))
        }
        try expect(taken == 1, "\(taken) took one name")
    }

    func normalisation() async throws {
        let name = name()
        let (composed, decomposed) = (name + "\u{e9}", name + "e\u{301}")
        _ = try await made(StoredAccount(id: composed, username: composed, passwordHash: "1", created: start))
        try expect(try await accounts.account(named: decomposed) == nil, "another name's account was found")
        _ = try await made(StoredAccount(id: decomposed, username: decomposed, passwordHash: "2", created: start))
        try expect(try await accounts.account(named: composed)?.passwordHash == "1", "the two are one")
        try expect(try await accounts.account(id: decomposed)?.passwordHash == "2", "the two are one by id")
    }

    func strangeNames() async throws {
        for name in ["", "\0", "a\0", "' or 1=1 --", "%", "_", String(repeating: "x", count: 10_000), "\u{FFFD}", "\u{1F600}"] {
            try expect(try await accounts.account(named: name) == nil, "there is an account \(name)")
            try expect(try await accounts.account(id: name) == nil, "there is an account by id \(name)")
            try expect(try await keys.key(name) == nil, "there is a key \(name)")
        }
    }

    func listing() async throws {
        let name = name()
        for number in [3, 1, 2] { _ = try await made(account("\(name)-\(number)")) }
        let all = try await accounts.accounts(after: name, limit: 3).map(\.username)
        try expect(all == [1, 2, 3].map { "\(name)-\($0)" }, "the list is \(all)")
        let page = try await accounts.accounts(after: "\(name)-1", limit: 1).map(\.username)
        try expect(page == ["\(name)-2"], "the page is \(page)")
        try expect(try await accounts.accounts(after: nil, limit: 0).isEmpty, "nothing was asked")
    }

    func passwords() async throws {
        let account = try await made(account(name()))
        let id = account.id
        try expect(try await accounts.setPasswordHash("$new", of: id, replacing: nil, at: time(9)), "it was not changed")
        try expect(!(try await accounts.setPasswordHash("$old better", of: id, replacing: "$hash", at: nil)), "a stale upgrade was taken")
        try expect(try await accounts.setPasswordHash("$new better", of: id, replacing: "$new", at: nil), "an upgrade was not taken")
        let now = try await accounts.account(id: id)
        try expect(now?.passwordHash == "$new better" && now?.passwordChanged == time(9), "it is \(String(describing: now))")
        try expect(!(try await accounts.setPasswordHash("x", of: name("nobody"), replacing: nil, at: nil)), "nobody's was changed")
        let changed = try await atOnce(10) {
            try await accounts.setPasswordHash("$\($0)", of: id, replacing: "$new better", at: nil)
        }
        try expect(changed == 1, "\(changed) replaced the same hash")
    }

    func changes() async throws {
        let account = try await made(account(name()))
        try expect(try await accounts.setRoles([], of: account.id), "roles")
        try expect(try await accounts.account(id: account.id)?.roles == [], "the roles stayed")
        try expect(try await accounts.setDisabled(time(7), of: account.id), "disabling")
        try expect(try await accounts.account(id: account.id)?.disabled == time(7), "it is not disabled")
        try expect(try await accounts.setDisabled(nil, of: account.id), "enabling")
        try expect(try await accounts.account(id: account.id)?.disabled == nil, "it is disabled")
        try expect(try await accounts.delete(account.id), "deletion")
        try expect(!(try await accounts.delete(account.id)), "deleted twice")
        try expect(try await accounts.account(named: account.username) == nil, "it is there")
        try expect(!(try await accounts.setRoles([], of: account.id)), "roles of nobody")
        try expect(!(try await accounts.setDisabled(nil, of: account.id)), "nobody disabled")
        try expect(!(try await accounts.setSecondFactor(nil, of: account.id)), "nobody's factor")
    }

    func codes() async throws {
        let account = try await made(account(name()))
        try expect(!(try await accounts.useCode(counter: 1, of: account.id)), "a code without a factor")
        try expect(try await accounts.setSecondFactor(StoredSecondFactor(sealed: [1]), of: account.id), "the factor")
        let used = try await atOnce(20) { _ in try await accounts.useCode(counter: 5, of: account.id) }
        try expect(used == 1, "\(used) used one code")
        try expect(!(try await accounts.useCode(counter: 4, of: account.id)), "an earlier code")
        try expect(try await accounts.useCode(counter: 6, of: account.id), "a later code")
    }

    func recoveryCodes() async throws {
        let account = try await made(account(name()))
        let codes = (0..<3).map { [UInt8](repeating: $0, count: 32) }
        _ = try await accounts.setSecondFactor(StoredSecondFactor(sealed: [1], lastCounter: 3, recoveryCodes: codes), of: account.id)
        let used = try await atOnce(20) { _ in try await accounts.useRecoveryCode(codes[1], of: account.id) }
        try expect(used == 1, "\(used) used one code")
        try expect(!(try await accounts.useRecoveryCode([1, 2], of: account.id)), "no code at all")
        let factor = try await accounts.account(id: account.id)?.secondFactor
        try expect(factor == StoredSecondFactor(sealed: [1], lastCounter: 3, recoveryCodes: [codes[0], codes[2]]), "others were used up")
    }

    /// How many of `count` that run at once say yes.
    func atOnce(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Bool) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<count { group.addTask { try await body(number) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}
