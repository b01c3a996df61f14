/// Keys that are told apart by their ids, and do not change: newer keys are another set.
public final class KeySet: Sendable {
    public let keys: [VerificationKey]

    /// - Throws: `KeyError.noKeys`; `.ambiguousIDs` when several keys are not told apart by their ids.
    public init(_ keys: [VerificationKey]) throws(KeyError) {
        guard !keys.isEmpty else { throw .noKeys }
        for (index, key) in keys.enumerated() where keys.count > 1 {
            guard let id = key.id, !keys[..<index].contains(where: { Self.isSame($0.id, id) }) else { throw .ambiguousIDs }
        }
        self.keys = keys
    }

    /// The key of exactly this `kid`; for a token without one the only key, or the one without an id.
    func key(for id: String?) -> VerificationKey? {
        keys.first { Self.isSame($0.id, id) } ?? (id == nil && keys.count == 1 ? keys[0] : nil)
    }

    /// Equal byte by byte: `==` of strings takes canonically equivalent ids for one.
    static func isSame(_ a: String?, _ b: String?) -> Bool {
        switch (a, b) {
        case (nil, nil): true
        case (let a?, let b?): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }
}

/// Where the keys come from that tokens are verified by.
public protocol KeySource: Sendable {
    /// The keys at hand, without waiting; nil while there are none, or none young enough to be relied on.
    func current() -> KeySet?

    /// Gets newer keys where there may be some, for there are none at hand or a token names one that is not among them; waits for them.
    ///
    /// - Returns: the keys to judge by; the same as before where asking again would be too soon.
    /// - Throws: `KeysUnavailable` where nothing can be said about the token, for the source is away.
    func refresh() async throws(KeysUnavailable) -> KeySet
}

/// The keys that a token may be signed with cannot be had at present.
public struct KeysUnavailable: Error, Sendable, Hashable, CustomStringConvertible {
    public init() {}
    public var description: String { "the source of keys is away" }
}

extension KeySet: KeySource {
    public func current() -> KeySet? { self }
    public func refresh() async throws(KeysUnavailable) -> KeySet { self }
}
