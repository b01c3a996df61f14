/// Remembers proofs of possession (RFC 9449 §11.1), so that none is taken twice by any instance that shares the store.
public protocol ProofReplayStoring: Sendable {
    /// Takes a proof, once.
    ///
    /// - Parameters:
    ///   - key: what the proof is known by: 32 bytes of a hash.
    ///   - expires: from when on it would be refused for its age, so that it need not be remembered.
    ///   - time: the present, by the caller's clock. Some of what has expired by then goes away.
    /// - Returns: whether this is the first time; false also where it can no more be told.
    func claim(_ key: [UInt8], expires: Timestamp, at time: Timestamp) async throws -> Bool
}
