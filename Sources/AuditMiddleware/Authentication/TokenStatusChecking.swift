/// Knows of tokens that are good by themselves whether they were taken back.
public protocol TokenStatusChecking: Sendable {
    /// Why the token is not accepted any more (`.revoked`), or nil.
    func rejection(of token: VerifiedToken) async throws -> TokenRejection.Reason?
}
