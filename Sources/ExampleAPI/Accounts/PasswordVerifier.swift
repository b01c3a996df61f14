/// Keeps passwords as something that shows whether a password is right, and nothing else.
public protocol PasswordVerifier: Sendable {
    /// What to keep of `password`, with a fresh salt and the parameters.
    func hash(_ password: String) async throws -> String

    /// Whether `password` is the one that `hash` was made of. For an unknown account `hash` is nil: the same work is done, and the answer is no.
    func verify(_ password: String, against hash: String?) async throws -> Bool
}
