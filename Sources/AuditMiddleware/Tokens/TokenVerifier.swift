public import AuditEvents

/// Verifies JWTs (RFC 7519) under the advice of RFC 8725: one issuer, one audience, an end that must be named, an explicit type.
public struct TokenVerifier: Sendable {
    public struct Rules: Sendable {
        /// The one `iss` that is accepted.
        public var issuer: String
        /// What must be among `aud`.
        public var audience: String
        /// The values of `typ` that are accepted, without regard to case or an `application/` before them (RFC 7515 §4.1.9).
        public var types: [String]
        /// Whether a token without `typ` is refused.
        public var requiresType: Bool
        /// How far the clocks of issuer and verifier may be apart, in seconds, 0 to 600.
        public var leewaySeconds: Int64
        /// The largest token looked at, in bytes.
        public var maximumBytes: Int

        public init(
            issuer: String, audience: String, types: [String] = ["at+jwt", "JWT"], requiresType: Bool = true, leewaySeconds: Int64 = 30,
            maximumBytes: Int = 8192
        ) {
            self.issuer = issuer
            self.audience = audience
            self.types = types
            self.requiresType = requiresType
            self.leewaySeconds = min(max(leewaySeconds, 0), 600)
            self.maximumBytes = maximumBytes
        }
    }

    public let rules: Rules
    private let signatures: SignatureVerifier
    private let now: @Sendable () -> Timestamp
    private let types: [String]

    /// - Parameter now: the clock that `exp`, `nbf` and `iat` are judged by.
    /// - Throws: `KeyError` as `SignatureVerifier` does.
    public init(keys: [VerificationKey], rules: Rules, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now) throws(KeyError) {
        signatures = try SignatureVerifier(keys: keys, maximumBytes: rules.maximumBytes)
        self.rules = rules
        self.now = now
        types = rules.types.map(Self.shortType)
    }

    /// The token when all of it holds.
    public func verify(_ token: some StringProtocol) throws(TokenRejection) -> VerifiedToken {
        let signed = try signatures.verify(token)
        func refuse(_ reason: TokenRejection.Reason) -> TokenRejection {
            TokenRejection(reason, keyID: signed.key.id, algorithm: signed.key.algorithm.name)
        }
        switch signed.header["typ"] {
        case .none: if rules.requiresType { throw refuse(.wrongType) }
        case .string(let type): guard types.contains(Self.shortType(type)) else { throw refuse(.wrongType) }
        default: throw refuse(.malformed)
        }
        guard let claims = (try? JSONValue(parsing: signed.payload, maximumDepth: 16))?.object else { throw refuse(.malformed) }

        func text(_ name: String) throws(TokenRejection) -> String? {
            switch claims[name] {
            case .none: return nil
            case .string(let text): return text
            default: throw refuse(.malformed)
            }
        }
        func date(_ name: String) throws(TokenRejection) -> Timestamp? {
            switch claims[name] {
            case .none: return nil
            case .int(let seconds):
                guard (0...253_402_300_799).contains(seconds) else { throw refuse(.malformed) }
                return Timestamp(microseconds: seconds * 1_000_000)
            case .double(let seconds):
                guard (0...253_402_300_799).contains(seconds) else { throw refuse(.malformed) }
                return Timestamp(microseconds: Int64(seconds * 1_000_000))
            default: throw refuse(.malformed)
            }
        }

        guard let issuer = try text("iss") else { throw refuse(.missingClaim) }
        guard issuer.utf8.elementsEqual(rules.issuer.utf8) else { throw refuse(.wrongIssuer) }
        let audience: [String]
        switch claims["aud"] {
        case .none: throw refuse(.missingClaim)
        case .string(let one): audience = [one]
        case .array(let several):
            audience = several.compactMap(\.string)
            guard audience.count == several.count else { throw refuse(.malformed) }
        default: throw refuse(.malformed)
        }
        guard audience.contains(where: { $0.utf8.elementsEqual(rules.audience.utf8) }) else { throw refuse(.wrongAudience) }

        let (now, leeway) = (now(), rules.leewaySeconds)
        guard let expires = try date("exp") else { throw refuse(.missingClaim) }
        guard now < expires.advanced(bySeconds: leeway) else { throw refuse(.expired) }
        if let start = try date("nbf"), now < start.advanced(bySeconds: -leeway) { throw refuse(.notYetValid) }
        let issued = try date("iat")
        if let issued, now < issued.advanced(bySeconds: -leeway) { throw refuse(.notYetValid) }
        return VerifiedToken(
            issuer: issuer, subject: try text("sub"), audience: audience, expires: expires, issued: issued, id: try text("jti"),
            keyID: signed.key.id, algorithm: signed.key.algorithm, claims: claims)
    }

    private static func shortType(_ type: String) -> String {
        let type = type.lowercased()
        return type.hasPrefix("application/") ? String(type.dropFirst("application/".count)) : type
    }
}
