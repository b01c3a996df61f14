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
    let signatures: SignatureVerifier
    let now: @Sendable () -> Timestamp
    private let types: [String]

    /// - Parameter now: the clock that `exp`, `nbf` and `iat` are judged by.
    /// - Throws: `KeyError` as `KeySet` does.
    public init(keys: [VerificationKey], rules: Rules, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now) throws(KeyError) {
        self.init(source: try KeySet(keys), rules: rules, now: now)
    }

    /// - Parameter source: keys that change, such as a `RemoteKeySource`.
    public init(source: any KeySource, rules: Rules, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now) {
        signatures = SignatureVerifier(source: source, maximumBytes: rules.maximumBytes)
        self.rules = rules
        self.now = now
        types = rules.types.map(TokenHeader.shortType)
    }

    /// The token when all of it holds by the keys at hand. Never waits.
    public func verify(_ token: some StringProtocol) throws(TokenRejection) -> VerifiedToken {
        try judge(try signatures.verify(token))
    }

    /// The token when all of it holds; newer keys are waited for where it names one that is not at hand.
    ///
    /// - Throws: `TokenRejection`; `KeysUnavailable` where the source of keys is away, so that nothing can be said about the token.
    public func verifyRefreshing(_ token: some StringProtocol & Sendable) async throws -> VerifiedToken {
        try await verifyNamingKeys(token).token
    }

    /// Likewise, with the set that the token's key is of.
    func verifyNamingKeys(_ token: some StringProtocol & Sendable) async throws -> (token: VerifiedToken, keys: KeySet) {
        let keys = signatures.source.current()
        do throws(TokenRejection) {
            let signed = try signatures.verify(token, by: keys)
            if let keys { return (try judge(signed), keys) }
        } catch {
            guard error.reason == .unknownKey || error.reason == .keysUnavailable else { throw error }
        }
        let newer = try await signatures.source.refresh()
        return (try judge(try signatures.verify(token, by: newer)), newer)
    }

    /// Whether a token that held before is not over yet.
    func isCurrent(_ token: VerifiedToken) -> Bool { now() < token.expires.advanced(bySeconds: rules.leewaySeconds) }

    private func judge(_ signed: SignatureVerifier.Verified) throws(TokenRejection) -> VerifiedToken {
        func refuse(_ reason: TokenRejection.Reason) -> TokenRejection {
            TokenRejection(reason, keyID: signed.key.id, algorithm: signed.key.algorithm.name)
        }
        if let type = signed.parsedHeader.type {
            guard types.contains(where: { $0.utf8.elementsEqual(type.utf8) }) else { throw refuse(.wrongType) }
        } else if rules.requiresType {
            throw refuse(.wrongType)
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
            guard let value = claims[name] else { return nil }
            guard let date = Timestamp(numericDate: value) else { throw refuse(.malformed) }
            return date
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
}

extension Timestamp {
    /// The moment of a NumericDate (RFC 7519 §2): seconds since 1970, also with a fraction, up to the year 9999; nil for anything else.
    init?(numericDate value: JSONValue) {
        let range: ClosedRange<Int64> = 0...253_402_300_799
        switch value {
        case .int(let seconds) where range.contains(seconds): self.init(microseconds: seconds * 1_000_000)
        case .double(let seconds) where seconds >= 0 && seconds <= Double(range.upperBound):
            self.init(microseconds: Int64(seconds * 1_000_000))
        default: return nil
        }
    }
}
