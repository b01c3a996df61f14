public import AuditEvents

/// What every `ProofReplayStoring` must do. Says what does not hold; empty where all does.
public struct ProofReplayConformance: Sendable {
    public init() {}

    public func violations(of store: some ProofReplayStoring) async throws -> [String] {
        var violations: [String] = []
        func check(_ holds: Bool, _ what: String) { if !holds { violations.append(what) } }
        func key(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 31) + [UInt8(number >> 8)] }
        let start = Timestamp(microseconds: 1_800_000_000_000_000)
        let end = start.advanced(bySeconds: 60)
        check(try await store.claim(key(1), expires: end, at: start), "the first claim is taken")
        check(!(try await store.claim(key(1), expires: end, at: start)), "the second is not")
        check(!(try await store.claim(key(1), expires: end.advanced(bySeconds: 5), at: start)), "nor with another end")
        check(!(try await store.claim(key(1), expires: end, at: start.advanced(bySeconds: 59))), "nor later")
        check(try await store.claim(key(2), expires: end, at: start), "another key is taken")
        check(!(try await store.claim(key(3), expires: start, at: start.advanced(bySeconds: 1))), "what has expired is not taken")
        let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 { group.addTask { try await store.claim(key(4), expires: end, at: start) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        check(taken == 1, "of many at once one is taken, not \(taken)")
        return violations
    }
}
