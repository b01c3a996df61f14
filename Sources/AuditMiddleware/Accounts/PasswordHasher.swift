import Synchronization

/// As many passwords are being hashed and waiting for it as may be. The client should try again.
public struct PasswordHashingBusy: Error, Sendable {
    public var retryAfterSeconds = 2
}

/// What became of checking a password.
public struct PasswordVerdict: Sendable, Hashable {
    public var matches: Bool
    /// Whether it matches a hash that should be replaced: of another scheme, or weaker than those made now.
    public var isOutdated: Bool
}

/// Hashes passwords with scrypt (RFC 7914), on threads of its own.
///
/// Memory is bounded by `concurrency` times what the parameters take (128 MiB as a standard), time by the queue: beyond it callers are
/// refused.
public final class PasswordHasher: Sendable {
    public let parameters: ScryptParameters
    let queue: HashingQueue
    private let decoy: PasswordHash
    private let work = Mutex(0)

    /// - Parameters:
    ///   - concurrency: how many are hashed at once.
    ///   - queueLimit: how many more may wait.
    public init(parameters: ScryptParameters = .standard, concurrency: Int = 2, queueLimit: Int = 32) {
        self.parameters = parameters
        queue = HashingQueue(concurrency: concurrency, limit: queueLimit)
        decoy = PasswordHash(decoy: parameters)
    }

    /// Whether the next one would be refused.
    public var isFull: Bool { queue.isFull }
    package var occupancy: (running: Int, waiting: Int) { queue.occupancy }
    /// How many hashes of the present parameters were made or checked so far.
    package var hashesDone: Int { work.withLock { $0 } }

    /// What to keep of a password, after normalisation form C.
    /// - Throws: `PasswordHashingBusy`, `CancellationError`.
    public func hash(_ password: String) async throws -> String {
        work.withLock { $0 += 1 }
        guard let hash = try await queue.run({ [parameters] in PasswordHash(password, parameters) }) else { throw PasswordHashingBusy() }
        return hash.description
    }

    /// Whether `password` is that of `hash`.
    ///
    /// Every check costs a hash of the present parameters at least: for an account that does not exist (`hash` is nil), for a hash that
    /// cannot be read, and for a wrong password against an old hash, as a right one is hashed anew.
    /// - Throws: `PasswordHashingBusy`, `CancellationError`.
    public func verify(_ password: String, against hash: String?) async throws -> PasswordVerdict {
        let known = hash.flatMap(PasswordHash.init)
        let isCurrent = known.map { $0.scheme == .scrypt(parameters) } ?? false
        let isOutdated = known?.isWeaker(than: parameters) ?? false
        let matches = try await queue.run { [decoy] in
            let matches = known?.matches(password) ?? false
            if !isCurrent, !(matches && isOutdated) { _ = decoy.matches(password) }
            return matches
        }
        if !(matches && isOutdated) { work.withLock { $0 += 1 } }
        return PasswordVerdict(matches: matches, isOutdated: matches && isOutdated)
    }
}
