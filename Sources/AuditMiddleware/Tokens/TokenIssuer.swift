public import AuditEvents

/// Issues JWTs of one's own.
public struct TokenIssuer: Sendable {
    public let key: SigningKey
    public let issuer: String
    public let audience: String
    /// The header's `typ`: `at+jwt` for access tokens (RFC 9068 §2.1).
    public let type: String
    private let now: @Sendable () -> Timestamp
    private let header: [UInt8]

    public init(
        key: SigningKey, issuer: String, audience: String, type: String = "at+jwt",
        now: @escaping @Sendable () -> Timestamp = AuditClock.system.now
    ) {
        self.key = key
        self.issuer = issuer
        self.audience = audience
        self.type = type
        self.now = now
        var header: JSONObject = ["alg": .string(key.algorithm.name), "typ": .string(type)]
        if let id = key.id { header["kid"] = .string(id) }
        self.header = Base64URL.encode(CanonicalJSON.encode(.object(header)))
    }

    /// A signed token for `subject`, good from now for `lifetimeSeconds`.
    ///
    /// - Parameters:
    ///   - id: its `jti`; random when nil.
    ///   - thumbprint: of the key that the token is bound to (`cnf.jkt`, RFC 9449 §6.1), as `DPoPVerifier` found it in the client's proof.
    ///   - claims: further claims; the registered ones set here win over them.
    /// - Throws: what the key's implementation throws.
    public func issue(
        subject: String, lifetimeSeconds: Int64, id: String? = nil, boundTo thumbprint: String? = nil, claims: JSONObject = [:]
    ) throws -> String {
        let issued = now().microseconds / 1_000_000
        var claims = claims
        claims["iss"] = .string(issuer)
        claims["aud"] = .string(audience)
        claims["sub"] = .string(subject)
        claims["iat"] = .int(issued)
        claims["exp"] = .int(issued + lifetimeSeconds)
        claims["jti"] = .string(id ?? RequestID.make())
        claims["cnf"] = thumbprint.map { ["jkt": .string($0)] }
        var token = header
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(CanonicalJSON.encode(.object(claims))))
        let signature = try key.signature(over: token)
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: Base64URL.encode(signature))
        return String(decoding: token, as: UTF8.self)
    }
}
