/// Whether an attempt to sign in may be judged.
public enum LockoutDecision: Sendable, Hashable {
    case allowed
    /// By which of its subjects it is not, and for how long still.
    case locked([LockoutScope], microseconds: Int64)
    /// As many are being judged as may still fail: to be tried again when they have ended.
    case busy
}

/// How an attempt ended.
public enum LockoutVerdict: Int16, Sendable, Hashable {
    case success, failure
    /// It was not judged: nothing is counted.
    case released
}

/// What the end of an attempt did to one subject.
public struct LockoutChange: Sendable, Hashable {
    public var scope: LockoutScope
    /// Before a success, after a failure.
    public var failures: Int
    /// How long the lock is that began; nil where none did.
    public var lockedMicroseconds: Int64?

    public init(scope: LockoutScope, failures: Int, lockedMicroseconds: Int64?) {
        (self.scope, self.failures, self.lockedMicroseconds) = (scope, failures, lockedMicroseconds)
    }
}

/// Counts failed sign-ins. `LockoutStoreConformance` of `AuditTesting` says what must hold.
///
/// Each call is one step, whoever else calls: an attempt counts from its beginning. Times are the caller's. What has expired goes away by itself.
public protocol LockoutStoring: Sendable {
    /// Asks whether an attempt may be judged by all its subjects, and counts it as pending with each if so; with none if not.
    func begin(_ subjects: [LockoutSubject], policy: LockoutPolicy, at time: Timestamp) async throws -> LockoutDecision
    /// Tells how an attempt that began has ended.
    ///
    /// A success forgets what is counted against the account, and against it from this address; from the address itself it takes back only the
    /// failures of this account, for else an account of one's own would buy guesses at others.
    /// - Returns: a change for each subject, in their order.
    func end(
        _ subjects: [LockoutSubject], _ verdict: LockoutVerdict, policy: LockoutPolicy, at time: Timestamp
    ) async throws -> [LockoutChange]
}
