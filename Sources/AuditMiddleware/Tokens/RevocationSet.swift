import AuditEvents

/// Revocations in force, within a bound. Pure: time is given.
///
/// What would be the entry beyond the bound makes all of them one: every token issued until now is revoked. That concerns whatever each of them
/// did, and refuses good tokens rather than letting revoked ones in; their holders refresh them.
struct RevocationSet: Sendable {
    private var entries: [SecretHash: Revocation] = [:]
    private(set) var floor: (issuedUntil: Timestamp, expires: Timestamp)?
    private let capacity: Int
    /// How long a token can live: how long the floor is needed.
    private let longestSeconds: Int64

    init(capacity: Int, longestSeconds: Int64) {
        self.capacity = max(1, capacity)
        self.longestSeconds = longestSeconds
    }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty && floor == nil }

    mutating func insert(_ revocation: Revocation, at now: Timestamp) {
        guard revocation.expires > now else { return }
        if let known = entries[revocation.key] {
            entries[revocation.key] = known.merged(with: revocation)
            return
        }
        if entries.count >= capacity { sweep(at: now) }
        if entries.count >= capacity {
            entries.removeAll(keepingCapacity: true)
            floor = (now, now.advanced(bySeconds: longestSeconds))
            return
        }
        entries[revocation.key] = revocation
    }

    /// Forgets what concerns no token any more.
    mutating func sweep(at now: Timestamp) {
        entries = entries.filter { $0.value.expires > now }
        if let floor, floor.expires <= now { self.floor = nil }
    }

    /// Whether one of `keys` is revoked for a token issued at `issued`; nil counts as issued long ago.
    func contains(_ keys: [SecretHash], issued: Timestamp?, at now: Timestamp) -> Bool {
        if let floor, floor.expires > now, (issued ?? .epoch) <= floor.issuedUntil { return true }
        return keys.contains { key in
            guard let revocation = entries[key], revocation.expires > now else { return false }
            guard let until = revocation.issuedUntil, let issued else { return true }
            return issued <= until
        }
    }
}
