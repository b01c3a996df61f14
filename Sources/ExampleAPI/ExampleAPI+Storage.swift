public import AuditEvents
import AuditMiddleware

extension ExampleAPI {
    /// What it keeps beside the record. Instances that share a storage share sign-ins, locks, revocations and limits.
    public struct Storage: Sendable {
        public var accounts: any AccountStoring & APIKeyStoring
        public var lockouts: any LockoutStoring
        public var sessions: any SessionStoring
        public var tokenFamilies: any TokenFamilyStoring
        public var revocations: any RevocationStoring
        public var proofs: any ProofReplayStoring
        /// Nil where every instance counts for itself.
        public var rateLimits: (any RateLimitStoring)?

        public init(
            accounts: any AccountStoring & APIKeyStoring, lockouts: any LockoutStoring, sessions: any SessionStoring,
            tokenFamilies: any TokenFamilyStoring, revocations: any RevocationStoring, proofs: any ProofReplayStoring,
            rateLimits: (any RateLimitStoring)? = nil
        ) {
            (self.accounts, self.lockouts, self.sessions) = (accounts, lockouts, sessions)
            (self.tokenFamilies, self.revocations, self.proofs, self.rateLimits) = (tokenFamilies, revocations, proofs, rateLimits)
        }

        /// In memory: for one instance, until it ends.
        public static func memory() -> Storage {
            Storage(
                accounts: MemoryAccountStore(), lockouts: MemoryLockoutStore(), sessions: MemorySessionStore(),
                tokenFamilies: MemoryTokenFamilyStore(), revocations: MemoryRevocationStore(), proofs: MemoryProofReplayStore())
        }
    }
}
