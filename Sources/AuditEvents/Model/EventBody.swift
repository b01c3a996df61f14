/// What tells the story of an event and can be erased: who, from where, with what, on what.
public struct EventBody: Sendable, Hashable {
    public struct Actor: Sendable, Hashable {
        public var id: String?
        public var name: String?
        public init(id: String? = nil, name: String? = nil) { (self.id, self.name) = (id, name) }
    }

    public struct Client: Sendable, Hashable {
        /// The textual address, IPv4 or RFC 5952 IPv6, without port or zone.
        public var ip: String?
        public var port: UInt16?
        public var userAgent: String?
        public init(ip: String? = nil, port: UInt16? = nil, userAgent: String? = nil) {
            (self.ip, self.port, self.userAgent) = (ip, port, userAgent)
        }
    }

    /// A presented or issued credential, by fingerprints only.
    public struct Token: Sendable, Hashable {
        public var fingerprint: String?
        public var issuer: String?
        public var keyID: String?
        /// The fingerprint of the token's `jti`.
        public var jti: String?
        public init(fingerprint: String? = nil, issuer: String? = nil, keyID: String? = nil, jti: String? = nil) {
            (self.fingerprint, self.issuer, self.keyID, self.jti) = (fingerprint, issuer, keyID, jti)
        }
    }

    public var actor: Actor?
    public var client: Client?
    /// The fingerprint of the session's id.
    public var session: String?
    public var token: Token?
    /// What was acted on: a host, an account, a resource.
    public var target: String?
    public var requestID: String?
    /// W3C trace context, lower-case hex.
    public var traceID: String?
    public var spanID: String?
    /// The request target as received, where the reporter stores it: an access log's path and query. The middleware stores query keys only.
    public var path: String?
    /// The software that reported it: `nginx`, `apache`, `sshd`; Sigma's `logsource.service`.
    public var service: String?
    /// Anything else.
    public var details: JSONObject

    public init(
        actor: Actor? = nil, client: Client? = nil, session: String? = nil, token: Token? = nil, target: String? = nil,
        requestID: String? = nil, traceID: String? = nil, spanID: String? = nil, path: String? = nil, service: String? = nil,
        details: JSONObject = [:]
    ) {
        self.actor = actor
        self.client = client
        self.session = session
        self.token = token
        self.target = target
        self.requestID = requestID
        self.traceID = traceID
        self.spanID = spanID
        self.path = path
        self.service = service
        self.details = details
    }
}
