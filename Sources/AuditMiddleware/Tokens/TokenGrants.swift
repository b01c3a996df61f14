public import AuditEvents
import HTTPTypes

/// Tokens of one's own: short-lived JWTs and, to renew them, refresh tokens that are good once (RFC 9700 §4.14.2).
///
/// A refresh token shown a second time is in two hands, so the sign-in ends and its access tokens are revoked: `authn_token_reuse`, `session_ended`.
public struct TokenGrants: Sendable {
    public struct Configuration: Sendable {
        public var accessSeconds: Int64 = 900
        /// How long a sign-in lasts without a refresh.
        public var idleSeconds: Int64 = 14 * 86_400
        /// How long it lasts in any case.
        public var absoluteSeconds: Int64 = 90 * 86_400
        /// How many sign-ins an account may have; the one refreshed longest ago gives way.
        public var maximumPerAccount = 20
        /// How long after a rotation the former token may come once more, by a client that lost the answer. 0, as it should be: never.
        public var graceSeconds: Int64 = 0
        /// How far the verifier's clock may lag: for so much longer revocations are kept.
        public var leewaySeconds: Int64 = 60
        public init() {}
    }

    public let configuration: Configuration
    let issuer: TokenIssuer
    let revocations: RevocationList
    private let store: any TokenFamilyStoring
    private let now: @Sendable () -> Timestamp

    public init(
        store: any TokenFamilyStoring, issuer: TokenIssuer, revocations: RevocationList, configuration: Configuration = .init(),
        now: @escaping @Sendable () -> Timestamp = AuditClock.system.now
    ) {
        self.store = store
        self.issuer = issuer
        self.revocations = revocations
        self.configuration = configuration
        self.now = now
    }

    /// Tokens for whoever has just signed in: `session_created`.
    ///
    /// - Parameter claims: further claims of the access token; `name`, `roles`, `scope` and `sid` are the principal's.
    /// - Throws: `UnstorablePrincipal`, `SinkRefusal`, what the stores throw.
    public func begin(_ principal: Principal, claims: JSONObject = [:], context: some AuditedRequestContext) async throws -> TokenGrant {
        let stored = principal.stored
        guard stored.isStorable else { throw UnstorablePrincipal() }
        let now = now()
        let (lineage, half) = (Secret.make(), Secret.make())
        let deadline = now.advanced(bySeconds: configuration.absoluteSeconds)
        let family = StoredTokenFamily(
            id: Secret.make(bytes: 16), lineage: SecretHash(of: lineage), current: SecretHash(of: half), principal: stored, created: now,
            expires: min(now.advanced(bySeconds: configuration.idleSeconds), deadline), deadline: deadline)
        let displaced = try await store.insert(family, limit: max(1, configuration.maximumPerAccount))
        try await end(displaced, reason: "session_limit", event: nil, context.audit)
        let grant = try grant(family, claims, refreshToken: lineage + half)
        note(family, accessToken: grant.accessToken, context.audit)
        try await context.audit.emit(.sessionCreated, outcome: .success)
        return grant
    }

    /// Exchanges a refresh token for the next pair: `session_renewed`.
    ///
    /// - Parameter reload: gives the account's rights as they are now; nil where it may not go on, which ends the sign-in (`account_refused`).
    /// - Throws: `Problem` 400 with `error` `invalid_grant` (RFC 6749 §5.2), whatever was wrong with the token.
    public func refresh(
        _ token: String, claims: JSONObject = [:], context: some AuditedRequestContext,
        reload: @Sendable (Principal) async throws -> Principal? = { $0 }
    ) async throws -> TokenGrant {
        let audit = context.audit
        guard let presented = RefreshToken(token) else { throw try await reject("malformed", .low, audit) }
        note(presented: token, audit)
        // Whoever loses against another exchange of the same token looks again, and then finds it spent.
        for _ in 0..<8 {
            let now = now()
            guard let family = try await store.family(lineage: presented.lineage) else {
                throw try await reject("unknown_refresh_token", .medium, audit)
            }
            note(family, accessToken: nil, audit)
            switch family.judge(presented.half, at: now, graceSeconds: configuration.graceSeconds) {
            case .expired: throw try await reject("expired", .low, audit)
            case .ended: throw try await reject("revoked", .high, audit)
            case .spent:
                // Ended before it is told: a full record must not keep the sign-in alive.
                let ended = try await store.end(.one(family.id), of: family.principal.id, reason: "refresh_reused", at: now)
                try await revokeAccess(of: ended)
                try await audit.emit(.tokenReuse, outcome: .denied, reason: "refresh_reused", severity: .high)
                try await emitEnds(of: ended, reason: "refresh_reused", event: nil, audit)
                throw Self.invalidGrant
            case .current, .again:
                guard let principal = try await reload(Principal(family.principal, sessionID: family.id)), principal.stored.isStorable,
                    principal.id.utf8.elementsEqual(family.principal.id.utf8)
                else {
                    try await end(.one(family.id), of: family.principal.id, reason: "account_refused", context: context)
                    throw Self.invalidGrant
                }
                let half = Secret.make()
                var next = family.rotated(
                    from: presented.half, to: SecretHash(of: half), at: now, expires: now.advanced(bySeconds: configuration.idleSeconds))
                next.principal = principal.stored
                guard try await store.advance(next) else { continue }
                let grant = try grant(next, claims, refreshToken: String(token.prefix(RefreshToken.halfLength)) + half)
                note(next, accessToken: grant.accessToken, audit)
                try await audit.emit(.sessionRenewed, outcome: .success)
                return grant
            }
        }
        throw Problem(.serviceUnavailable, headers: [.retryAfter: "1"])
    }

    /// Ends the sign-in that a refresh token belongs to, spent or not: `authn_token_revoked`, `session_ended`.
    /// - Returns: false for a token that is not known, or of a sign-in that is over.
    @discardableResult
    public func revoke(refreshToken: String, reason: String = "revoked", context: some AuditedRequestContext) async throws -> Bool {
        guard let presented = RefreshToken(refreshToken) else { return false }
        note(presented: refreshToken, context.audit)
        guard let family = try await store.family(lineage: presented.lineage) else { return false }
        note(family, accessToken: nil, context.audit)
        return try await end(.one(family.id), of: family.principal.id, reason: reason, context: context) > 0
    }

    /// Revokes one access token of this issuer, and nothing else: `authn_token_revoked`.
    public func revoke(accessToken: VerifiedToken, reason: String = "revoked", context: some AuditedRequestContext) async throws {
        guard let id = accessToken.id else { return }
        let expires = accessToken.expires.advanced(bySeconds: configuration.leewaySeconds)
        try await revocations.revoke([Revocation(key: Revocation.key(.token, issuer: accessToken.issuer, id), expires: expires)])
        try await context.audit.emit(.tokenRevoked, outcome: .success, reason: reason)
    }

    /// Ends the sign-in of the request's own access token, for signing out; false where it has none, or it was over.
    @discardableResult
    public func end(reason: String = "logout", context: some AuditedRequestContext) async throws -> Bool {
        guard let principal = context.principal, principal.token != nil, let session = principal.sessionID else { return false }
        return try await end(.one(session), of: principal.id, reason: reason, context: context) > 0
    }

    /// Ends those of an account's sign-ins that are meant, at all instances within a second, and returns how many they were: `authn_token_revoked` and
    /// `session_ended` for each.
    @discardableResult
    public func end(
        _ selection: SessionSelection, of account: String, reason: String, context: some AuditedRequestContext
    ) async throws -> Int {
        let ended = try await store.end(selection, of: account, reason: reason, at: now())
        try await end(ended, reason: reason, event: .tokenRevoked, context.audit)
        return ended.count
    }

    /// Logout everywhere: ends all of an account's sign-ins, and revokes whatever access token it was given before, also one without `sid`.
    ///
    /// Tokens tell their time in whole seconds: one without `sid` that is issued within the second of this call is refused too.
    @discardableResult
    public func endAll(of account: String, reason: String = "logout_everywhere", context: some AuditedRequestContext) async throws -> Int {
        let now = now()
        try await revocations.revoke([
            Revocation(
                key: Revocation.key(.account, issuer: issuer.issuer, account), issuedUntil: now,
                expires: now.advanced(bySeconds: configuration.accessSeconds + configuration.leewaySeconds))
        ])
        return try await end(.all, of: account, reason: reason, context: context)
    }

    /// The account's live sign-ins, the one refreshed last first: their ids and times.
    public func list(of account: String) async throws -> [StoredTokenFamily] { try await store.families(of: account, at: now()) }

    // MARK: Parts

    private func end(_ families: [StoredTokenFamily], reason: String, event: EventType?, _ audit: AuditContext) async throws {
        try await revokeAccess(of: families)
        try await emitEnds(of: families, reason: reason, event: event, audit)
    }

    private func revokeAccess(of families: [StoredTokenFamily]) async throws {
        let expires = now().advanced(bySeconds: configuration.accessSeconds + configuration.leewaySeconds)
        try await revocations.revoke(
            families.map { Revocation(key: Revocation.key(.session, issuer: issuer.issuer, $0.id), expires: expires) })
    }

    private func emitEnds(of families: [StoredTokenFamily], reason: String, event: EventType?, _ audit: AuditContext) async throws {
        for family in families {
            let fingerprint = audit.fingerprint(family.id, purpose: .session)
            for event in [event, .sessionEnded].compactMap(\.self) {
                try await audit.emit(event, outcome: .success, reason: reason) { facts in
                    facts.session = fingerprint
                    facts.actor = facts.actor ?? EventBody.Actor(id: family.principal.id, name: family.principal.name)
                }
            }
        }
    }

    private func grant(_ family: StoredTokenFamily, _ claims: JSONObject, refreshToken: String) throws -> TokenGrant {
        var claims = claims
        let principal = family.principal
        claims["sid"] = .string(family.id)
        if let name = principal.name { claims["name"] = .string(name) }
        if !principal.roles.isEmpty { claims["roles"] = .array(principal.roles.map { .string($0) }) }
        if !principal.scopes.isEmpty { claims["scope"] = .string(principal.scopes.joined(separator: " ")) }
        let token = try issuer.issue(subject: principal.id, lifetimeSeconds: configuration.accessSeconds, claims: claims)
        return TokenGrant(
            accessToken: token, refreshToken: refreshToken, expiresIn: configuration.accessSeconds, sessionID: family.id)
    }

    private func note(presented token: String, _ audit: AuditContext) {
        let fingerprint = audit.fingerprint(token, purpose: .token)
        audit.update { $0.token = EventBody.Token(fingerprint: fingerprint) }
    }

    private func note(_ family: StoredTokenFamily, accessToken: String?, _ audit: AuditContext) {
        audit.note(Principal(family.principal, sessionID: family.id))
        guard let accessToken else { return }
        let fingerprint = audit.fingerprint(accessToken, purpose: .token)
        audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, issuer: issuer.issuer, keyID: issuer.key.id) }
    }

    private func reject(_ reason: String, _ severity: Severity, _ audit: AuditContext) async throws -> Problem {
        try await audit.emit(.tokenRejected, outcome: .denied, reason: reason, severity: severity)
        return Self.invalidGrant
    }

    static var invalidGrant: Problem {
        Problem(.badRequest, detail: "The refresh token is not valid.", members: ["error": "invalid_grant"])
    }
}
