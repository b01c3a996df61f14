/// Keeps revocations and tells every instance of new ones. `RevocationStoreConformance` of `AuditTesting` says what must hold.
public protocol RevocationStoring: Sendable {
    /// Stores revocations; one that is known is merged. Some that have expired go away with every call, more than are added.
    func add(_ revocations: [Revocation], at time: Timestamp) async throws
    /// The revocations that were stored or changed since `cursor`, those stored by slow transactions included; all that are in force for nil.
    ///
    /// - Parameter limit: no more than these are read; the cursor is that of the whole read all the same.
    func revocations(
        since cursor: RevocationCursor?, at time: Timestamp, limit: Int
    ) async throws -> (revocations: [Revocation], cursor: RevocationCursor)
    /// Yields when there may be something new, and once when it starts to listen. It may end or throw at any time; polling goes on without it.
    func changes() -> AsyncThrowingStream<Void, any Error>
}
