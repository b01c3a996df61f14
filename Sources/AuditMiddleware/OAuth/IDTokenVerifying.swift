/// Verifies ID tokens (OpenID Connect Core 1.0 §3.1.3.7) with the provider's keys.
///
/// It vouches for signature, `iss`, `aud`, `exp` and `nbf`; `OAuthSignIn` checks issuer and audience once more, and the nonce.
public protocol IDTokenVerifying: Sendable {
    /// - Throws: `TokenRejection` for a token that does not hold; other errors where that cannot be told, such as `OutboundError`.
    func verify(idToken: String, expecting expectation: IDTokenExpectation) async throws -> VerifiedToken
}

/// What an ID token must be.
public struct IDTokenExpectation: Sendable, Hashable {
    public var issuer: String
    /// The client's id, which must be in `aud`.
    public var audience: String
    /// Where the provider's keys are.
    public var keysURL: String?
}
