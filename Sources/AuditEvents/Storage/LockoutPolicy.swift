import Crypto

/// What failed sign-ins are counted by.
public enum LockoutScope: Int16, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The account, known or not.
    case account
    /// The client's address, or network.
    case address
    /// The two together.
    case both

    public var description: String {
        switch self {
        case .account: "account"
        case .address: "address"
        case .both: "account_and_address"
        }
    }
}

/// How many failures lock for how long.
public struct LockoutTier: Sendable, Hashable {
    /// 1 to 1,000,000.
    public let failures: Int
    /// 1 to 2,678,400, 31 days.
    public let seconds: Int

    public init(failures: Int, seconds: Int) {
        self.failures = min(max(failures, 1), 1_000_000)
        self.seconds = min(max(seconds, 1), 2_678_400)
    }

    var microseconds: Int64 { Int64(seconds) * 1_000_000 }
}

/// When failed sign-ins lock whom.
///
/// Failures go on counting over locks: after the first tier's lock comes the next tier, and after the last each further failure locks for its
/// time again.
public struct LockoutPolicy: Sendable, Hashable {
    public let account: [LockoutTier]
    public let address: [LockoutTier]
    public let both: [LockoutTier]
    /// For how long after the last failure or lock failures count.
    public let forgetSeconds: Int
    /// For how long an attempt may be under way. One that never ends is a failure then.
    public let patienceSeconds: Int
    /// Whether an attempt during a lock lets it start anew. Whoever wants to keep somebody out can then do so for ever.
    public let extendsWhileLocked: Bool

    /// 3 failures → 15 minutes, 6 → 2 hours, 10 → 24 hours.
    public static let standardTiers = [
        LockoutTier(failures: 3, seconds: 900), LockoutTier(failures: 6, seconds: 7200), LockoutTier(failures: 10, seconds: 86_400),
    ]
    /// Ten times as many, for many people may share an address: 30 → 15 minutes, 60 → 2 hours, 100 → 24 hours.
    public static let sharedAddressTiers = standardTiers.map { LockoutTier(failures: $0.failures * 10, seconds: $0.seconds) }
    public static let standard = LockoutPolicy()

    /// - Parameters:
    ///   - account: at most 16 tiers, put into order; none: failures are not counted by this.
    ///   - both: counted beside the others. With the account's own tiers the same, it only says whose failures a success takes back from the
    ///     address; to lock an account for everybody later than for one address, give `account` higher ones.
    public init(
        account: [LockoutTier] = standardTiers, address: [LockoutTier] = sharedAddressTiers, both: [LockoutTier] = standardTiers,
        forgetSeconds: Int = 86_400, patienceSeconds: Int = 60, extendsWhileLocked: Bool = false
    ) {
        func ordered(_ tiers: [LockoutTier]) -> [LockoutTier] { Array(tiers.sorted { $0.failures < $1.failures }.prefix(16)) }
        (self.account, self.address, self.both) = (ordered(account), ordered(address), ordered(both))
        self.forgetSeconds = min(max(forgetSeconds, 1), 2_678_400)
        self.patienceSeconds = min(max(patienceSeconds, 1), 3600)
        self.extendsWhileLocked = extendsWhileLocked
    }

    /// What one attempt is counted by.
    ///
    /// - Parameters:
    ///   - account: the name in its one form; any text where it has none.
    ///   - address: the client's network; nil where it is not known: then only the account counts.
    public func subjects(account name: String, address network: String?) -> [LockoutSubject] {
        LockoutScope.allCases.compactMap { scope in
            let tiers = tiers(of: scope)
            guard !tiers.isEmpty, scope == .account || network != nil else { return nil }
            var text = Array("cardea/lockout/\(scope)".utf8)
            // Hashes of a fixed length: no two pairs of texts can run together.
            if scope != .address { text += SHA256.hash(data: Array(name.utf8)) }
            if scope != .account { text += SHA256.hash(data: Array((network ?? "").utf8)) }
            return LockoutSubject(scope: scope, key: Array(SHA256.hash(data: text)), tiers: tiers)
        }
    }

    private func tiers(of scope: LockoutScope) -> [LockoutTier] {
        switch scope {
        case .account: account
        case .address: address
        case .both: both
        }
    }
}

/// One thing that failures are counted by. Its key is a hash: a store never learns what was typed as a name, which may be a password.
public struct LockoutSubject: Sendable, Hashable {
    public let scope: LockoutScope
    /// 32 bytes.
    public let key: [UInt8]
    /// In ascending order of failures, at least one.
    public let tiers: [LockoutTier]
}
