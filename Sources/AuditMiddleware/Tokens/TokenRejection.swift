public import AuditEvents

/// Why a presented token is not accepted.
public struct TokenRejection: Error, Sendable, Hashable {
    /// The code in the event's `reason`.
    public struct Reason: Sendable, Hashable, CustomStringConvertible {
        public let code: String
        /// How grave it is when somebody presents such a token.
        public let severity: Severity
        public init(_ code: String, severity: Severity) { (self.code, self.severity) = (code, severity) }
        public var description: String { code }

        /// No token, where one is required.
        public static let missing = Reason("missing", severity: .informational)
        /// More than one `Authorization` field.
        public static let repeatedHeader = Reason("repeated_header", severity: .medium)
        /// Not three parts of strict base64url with a JSON object in the first two, or a claim that is not of its kind.
        public static let malformed = Reason("malformed", severity: .low)
        public static let tooLarge = Reason("too_large", severity: .medium)
        /// `alg: none`, in any spelling.
        public static let algorithmNone = Reason("algorithm_none", severity: .high)
        /// Another algorithm than the key's.
        public static let algorithmNotAllowed = Reason("algorithm_not_allowed", severity: .high)
        /// `crit` or `b64`: an extension that changes what the signature means, and that is not understood here.
        public static let unsupportedExtension = Reason("unsupported_extension", severity: .medium)
        public static let unknownKey = Reason("unknown_key", severity: .medium)
        public static let badSignature = Reason("bad_signature", severity: .medium)
        /// `typ` says that it is another kind of token.
        public static let wrongType = Reason("wrong_type", severity: .medium)
        public static let missingClaim = Reason("missing_claim", severity: .low)
        public static let expired = Reason("expired", severity: .low)
        public static let notYetValid = Reason("not_yet_valid", severity: .low)
        public static let wrongIssuer = Reason("wrong_issuer", severity: .medium)
        public static let wrongAudience = Reason("wrong_audience", severity: .medium)
        public static let revoked = Reason("revoked", severity: .high)
        /// The keys that it may be signed with cannot be had at present: no fault of the token's.
        public static let keysUnavailable = Reason("keys_unavailable", severity: .medium)
        /// A token that is bound to a key (`cnf`), presented without proof of it.
        public static let boundToken = Reason("bound_token", severity: .high)
        /// The service that knows the token says that it is not, or no more, good (RFC 7662 §2.2).
        public static let inactive = Reason("inactive", severity: .medium)

        // Proofs of possession (RFC 9449 §4.3)
        public static let proofMissing = Reason("proof_missing", severity: .low)
        public static let proofMalformed = Reason("proof_malformed", severity: .low)
        /// `jwk` is private, a shared secret, weak or of an algorithm that is not accepted.
        public static let proofKeyNotAllowed = Reason("proof_key_not_allowed", severity: .medium)
        public static let proofBadSignature = Reason("proof_bad_signature", severity: .medium)
        /// Made for another method or URL.
        public static let proofWrongTarget = Reason("proof_wrong_target", severity: .medium)
        /// Too old, or from the future.
        public static let proofOutOfTime = Reason("proof_out_of_time", severity: .low)
        public static let proofReplayed = Reason("proof_replayed", severity: .high)
        /// By another key than the token's, or for another token.
        public static let proofWrongToken = Reason("proof_wrong_token", severity: .high)
        /// Without the server's nonce, or with one that is over: the client is to try again with the new one.
        public static let proofNonce = Reason("proof_nonce", severity: .informational)
    }

    public var reason: Reason
    /// The `kid` that the token named, unverified, at most 64 bytes.
    public var keyID: String?
    /// The `alg` that the token named, unverified, at most 16 bytes.
    public var algorithm: String?

    public init(_ reason: Reason, keyID: String? = nil, algorithm: String? = nil) {
        (self.reason, self.keyID, self.algorithm) = (reason, keyID, algorithm)
    }
}
