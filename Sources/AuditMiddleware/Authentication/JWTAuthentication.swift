import AuditEvents
import HTTPTypes
import Synchronization

/// Judges JWTs for the schemes that carry them, and remembers those that held.
///
/// A token that held is known again by its SHA-256 for as long as it lasts and its key is among the keys at hand; whether it was revoked is asked every
/// time. What is remembered is bounded, and only tokens that hold get in.
struct JWTAuthentication: Sendable {
    enum Judgement {
        case holds(Known)
        case fails(TokenRejection)
    }

    /// A token that held, and what the record says of it. A class: requests on all threads share it, and take one reference instead of its parts.
    final class Known: Sendable {
        let principal: Principal
        let token: VerifiedToken
        let keys: KeySet
        /// Whose fingerprints these are.
        let trail: AuditTrail?
        let facts: EventBody.Token

        init(principal: Principal, token: VerifiedToken, keys: KeySet, trail: AuditTrail?, facts: EventBody.Token) {
            (self.principal, self.token, self.keys, self.trail, self.facts) = (principal, token, keys, trail, facts)
        }
    }

    private final class Memory: Sendable {
        let entries: Mutex<RecentEntries<TokenDigest, Known>>
        init(capacity: Int) { entries = Mutex(RecentEntries(capacity: capacity)) }
    }

    /// One for each issuer whose tokens are accepted, the first of them for tokens that name none.
    private let verifiers: [TokenVerifier]
    private let status: (any TokenStatusChecking)?
    private let memory: Memory?

    init(verifiers: [TokenVerifier], status: (any TokenStatusChecking)?, remembered: Int) {
        self.verifiers = verifiers
        self.status = status
        memory = remembered > 0 ? Memory(capacity: remembered) : nil
    }

    /// - Throws: `KeysUnavailable`; what `TokenStatusChecking` throws.
    func judge(_ token: Substring, _ audit: AuditContext) async throws -> Judgement {
        let known: Known
        let verifier = verifier(of: token)
        let digest = memory != nil && token.utf8.count <= verifier.rules.maximumBytes ? TokenDigest(token) : nil
        if let digest, let remembered = remembered(digest, verifier, audit) {
            known = remembered
        } else {
            let (verified, keys): (VerifiedToken, KeySet)
            do {
                (verified, keys) = try await verifier.verifyNamingKeys(token)
            } catch let rejection as TokenRejection { return .fails(rejection) }
            guard let principal = Principal(token: verified) else { return .fails(TokenRejection(.missingClaim, keyID: verified.keyID)) }
            known = learn(principal, verified, keys, token, digest, audit)
        }
        audit.update { $0.token = known.facts }
        if let reason = try await status?.rejection(of: known.token) {
            audit.note(known.principal)
            return .fails(TokenRejection(reason, keyID: known.token.keyID))
        }
        return .holds(known)
    }

    /// The verifier for the issuer that a token says it is from. Nothing is believed by that: the verifier has its own keys.
    private func verifier(of token: Substring) -> TokenVerifier {
        guard verifiers.count > 1, let compact = try? CompactToken(token, maximumBytes: verifiers[0].rules.maximumBytes),
            let issuer = compact.payload.flatMap({ (try? JSONValue(parsing: $0, maximumDepth: 16))?.object?["iss"]?.string })
        else { return verifiers[0] }
        return verifiers.first { $0.rules.issuer.utf8.elementsEqual(issuer.utf8) } ?? verifiers[0]
    }

    private func remembered(_ digest: TokenDigest, _ verifier: TokenVerifier, _ audit: AuditContext) -> Known? {
        guard let memory, let known = memory.entries.withLock({ $0.value(digest) }) else { return nil }
        guard known.trail === audit.trail, verifier.signatures.source.current() === known.keys, verifier.isCurrent(known.token) else {
            memory.entries.withLock { $0.remove(digest) }
            return nil
        }
        return known
    }

    private func learn(
        _ principal: Principal, _ verified: VerifiedToken, _ keys: KeySet, _ token: Substring, _ digest: TokenDigest?, _ audit: AuditContext
    ) -> Known {
        var principal = principal
        principal.sessionFingerprint = principal.sessionID.flatMap { audit.fingerprint($0, purpose: .session) }
        let facts = EventBody.Token(
            fingerprint: audit.fingerprint(String(token), purpose: .token), issuer: verified.issuer, keyID: verified.keyID,
            jti: verified.id.flatMap { audit.fingerprint($0, purpose: .tokenIdentifier) })
        let known = Known(principal: principal, token: verified, keys: keys, trail: audit.trail, facts: facts)
        if let digest, let memory { memory.entries.withLock { $0.insert(known, for: digest) } }
        return known
    }
}

extension TokenRejection {
    /// What the scheme that carried the token answers, and what the record is told of the token.
    func result(of token: Substring?, error: String = "invalid_token", _ audit: AuditContext) -> AuthenticationResult {
        // A token beyond the bound is not worth hashing: its sender can make it as long as the header allows.
        if let token, reason != .tooLarge, let fingerprint = audit.fingerprint(String(token), purpose: .token) {
            audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, keyID: keyID) }
        }
        var rejection = AuthenticationRejection(
            reason: reason.code, severity: reason.severity, error: error, detail: "The access token is not valid.")
        if let algorithm { rejection.details["algorithm"] = .string(algorithm) }
        return .rejected(rejection)
    }
}
