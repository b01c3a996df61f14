import Testing

@testable import AuditMiddleware

/// The decisions alone. Seconds are written as whole numbers, times as seconds.
@Suite struct KeyRefreshTests {
    static func policy() -> RemoteKeySource.Policy {
        var policy = RemoteKeySource.Policy()
        policy.cooldownSeconds = 30
        policy.refreshSeconds = 60...600
        policy.retrySeconds = 5
        policy.staleSeconds = 1000
        return policy
    }
    static func at(_ seconds: Int64) -> Int64 { seconds * 1_000_000 }

    @Test("the first who wants keys fetches them, the next wait, later ones use them")
    func first() {
        var refresh = KeyRefresh(Self.policy())
        #expect(!refresh.isUsable(at: 0))
        #expect(refresh.keysWanted(at: 0) == .fetch)
        #expect(refresh.keysWanted(at: 0) == .wait)
        #expect(refresh.keyMissing(at: 0) == .wait)
        refresh.succeeded(at: Self.at(1), maximumAge: nil)
        #expect(refresh.keysWanted(at: Self.at(600)) == .use)
        #expect(refresh.keysWanted(at: Self.at(601)) == .useAndFetch)
        #expect(refresh.keysWanted(at: Self.at(602)) == .use)
    }

    @Test(
        "how long a set is used is what its answer says, within bounds",
        arguments: [(nil, 600), (0, 60), (59, 60), (61, 61), (600, 600), (86_400, 600), (-5, 60)] as [(Int64?, Int64)])
    func age(_ age: Int64?, _ life: Int64) {
        var refresh = KeyRefresh(Self.policy())
        _ = refresh.keysWanted(at: 0)
        refresh.succeeded(at: 0, maximumAge: age)
        #expect(refresh.keysWanted(at: Self.at(life) - 1) == .use)
        #expect(refresh.keysWanted(at: Self.at(life)) == .useAndFetch)
    }

    @Test("a missing key is fetched for at once, then not until the cooldown is over")
    func cooldown() {
        var refresh = KeyRefresh(Self.policy())
        _ = refresh.keysWanted(at: 0)
        refresh.succeeded(at: 0, maximumAge: nil)
        #expect(refresh.keyMissing(at: Self.at(29)) == .use)
        #expect(refresh.keyMissing(at: Self.at(30)) == .fetch)
        #expect(refresh.keyMissing(at: Self.at(30)) == .wait)
        refresh.succeeded(at: Self.at(31), maximumAge: nil)
        for second in 31..<60 as Range<Int64> { #expect(refresh.keyMissing(at: Self.at(second)) == .use) }
        #expect(refresh.keyMissing(at: Self.at(60)) == .fetch)
    }

    @Test("while the source fails the last good set stays, until it is stale; a missing key cannot be judged")
    func failing() {
        var refresh = KeyRefresh(Self.policy())
        _ = refresh.keysWanted(at: 0)
        refresh.succeeded(at: 0, maximumAge: nil)
        #expect(refresh.keysWanted(at: Self.at(600)) == .useAndFetch)
        refresh.failed()
        #expect(refresh.keysWanted(at: Self.at(604)) == .use)
        #expect(refresh.keyMissing(at: Self.at(604)) == .unavailable)
        #expect(refresh.keysWanted(at: Self.at(605)) == .useAndFetch)
        refresh.failed()
        #expect(refresh.isUsable(at: Self.at(999)))
        #expect(!refresh.isUsable(at: Self.at(1000)))
        #expect(refresh.keysWanted(at: Self.at(1000)) == .fetch)
        refresh.failed()
        #expect(refresh.keysWanted(at: Self.at(1004)) == .unavailable)
        #expect(refresh.keyMissing(at: Self.at(1004)) == .unavailable)
        #expect(refresh.keyMissing(at: Self.at(1005)) == .fetch)
        refresh.succeeded(at: Self.at(1006), maximumAge: nil)
        #expect(refresh.keysWanted(at: Self.at(1006)) == .use)
    }

    @Test("in every order of events there is one fetch at a time, attempts are apart, and only a set that is not stale is used")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var refresh = KeyRefresh(Self.policy())
            var (now, flying, attempts, lastGood): (Int64, Bool, [Int64], Int64?) = (0, false, [], nil)
            for _ in 0..<200 {
                now += Int64.random(in: 0...120, using: &generator) * 250_000
                if flying, Bool.random(using: &generator) {
                    flying = false
                    if Bool.random(using: &generator) {
                        refresh.failed()
                    } else {
                        refresh.succeeded(at: now, maximumAge: Int64.random(in: 0...900, using: &generator))
                        lastGood = now
                    }
                    continue
                }
                let action = Bool.random(using: &generator) ? refresh.keysWanted(at: now) : refresh.keyMissing(at: now)
                let isUsable = lastGood.map { now - $0 < Self.at(1000) } ?? false
                switch action {
                case .use, .useAndFetch: #expect(isUsable)
                case .wait: #expect(flying)
                case .fetch, .unavailable: break
                }
                if action == .fetch || action == .useAndFetch {
                    #expect(!flying)
                    if let last = attempts.last { #expect(now - last >= Self.at(5)) }
                    attempts.append(now)
                    flying = true
                }
            }
        }
    }
}
