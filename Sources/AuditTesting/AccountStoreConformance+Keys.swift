import AuditEvents

extension AccountStoreConformance {
    func key(_ owner: String, expires: Timestamp? = nil) -> StoredAPIKey {
        StoredAPIKey(
            id: "key-\(UInt64.random(in: 0 ..< .max))", prefix: "shop", hash: (0..<32).map { _ in UInt8.random(in: 0...255) }, owner: owner,
            label: "Änne's", kind: .service, roles: ["r"], scopes: ["read", "write"], created: start, expires: expires)
    }

    func insert(_ key: StoredAPIKey, limit: Int = 50, at time: Timestamp? = nil) async throws -> Bool {
        try await keys.insert(key, limit: limit, at: time ?? start, forgetting: (time ?? start).advanced(bySeconds: -1000))
    }

    func keyRoundTrip() async throws {
        let owner = name()
        var key = key(owner, expires: time(60))
        try expect(try await insert(key), "it was not added")
        try expect(!(try await insert(key)), "an id was taken twice")
        try expect(try await keys.key(key.id) == key, "it differs")
        try expect(try await keys.keys(of: owner) == [key], "the list differs")
        _ = try await made(StoredAccount(id: owner, username: "u-" + owner, passwordHash: "h", roles: ["r", "s"], created: start))
        key.account = StoredAPIKey.Owner(username: "u-" + owner, roles: ["r", "s"], isDisabled: false)
        try expect(try await keys.key(key.id) == key, "its owner's account is not told")
        _ = try await accounts.setDisabled(start, of: owner)
        try expect(try await keys.key(key.id)?.account?.isDisabled == true, "that it is disabled is not told")
    }

    func revocation() async throws {
        let (owner, key) = (name(), key(name()))
        try expect(try await insert(key), "it was not added")
        try expect(!(try await keys.revoke(key.id, of: owner, at: time(1))), "another's key was revoked")
        let revoked = try await atOnce(10) { _ in try await keys.revoke(key.id, of: key.owner, at: time(2)) }
        try expect(revoked == 1, "\(revoked) revoked it")
        try expect(try await keys.key(key.id)?.revoked == time(2), "it is not revoked")
    }

    func keyLimit() async throws {
        let owner = name()
        let added = try await atOnce(12) { _ in try await insert(key(owner), limit: 4) }
        try expect(added == 4, "\(added) keys instead of 4")
        let one = try await keys.keys(of: owner)[0]
        _ = try await keys.revoke(one.id, of: owner, at: start)
        try expect(try await insert(key(owner, expires: time(10)), limit: 4), "a revoked key counts")
        try expect(!(try await insert(key(owner), limit: 4)), "a fifth live key")
        try expect(try await insert(key(owner), limit: 4, at: time(10)), "an expired key counts")
    }

    func touching() async throws {
        let key = key(name())
        _ = try await insert(key)
        for (seconds, noted) in [(Int64(0), Int64(0)), (59, 0), (60, 60), (61, 60), (10, 60), (130, 130)] {
            try await keys.touch(key.id, at: time(seconds))
            try expect(try await keys.key(key.id)?.lastUsed == time(noted), "a use at \(seconds) is not noted as at \(noted)")
        }
        try await keys.touch(name("nobody's"), at: start)
    }

    func retention() async throws {
        let (owner, late) = (name(), time(100_000))
        let (expiring, revoked, live) = (key(owner, expires: time(1)), key(owner), key(owner))
        for key in [expiring, revoked, live] { _ = try await insert(key) }
        _ = try await keys.revoke(revoked.id, of: owner, at: time(2))
        for _ in 0..<20 { _ = try await insert(key(name("other")), at: late) }
        try expect(try await keys.keys(of: owner).map(\.id) == [live.id], "dead keys stay, or live ones went")
    }

    func deletion() async throws {
        let account = try await made(account(name()))
        let key = key(account.id)
        _ = try await insert(key)
        _ = try await accounts.delete(account.id)
        try expect(try await keys.key(key.id) == nil, "the key stays")
    }
}
