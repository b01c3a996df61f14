/// A group within its correlation: a digest of tenant and values, so that it is short whatever they are, and nobody can make two groups one. Of
/// bytes, since two texts that differ only in Unicode normalization are two accounts.
struct GroupKey: Sendable, Hashable, Comparable {
    let high: UInt64, low: UInt64

    init(tenant: String, values: some Sequence<some Collection<UInt8>>) {
        var digest = StableDigest("cardea group 1")
        digest.add(tenant)
        for value in values { digest.add(value) }
        (high, low) = digest.words()
    }

    static func < (a: GroupKey, b: GroupKey) -> Bool { a.high != b.high ? a.high < b.high : a.low < b.low }

    /// Its name in the database.
    var name: String { StableDigest.hex(high, low) }
}
