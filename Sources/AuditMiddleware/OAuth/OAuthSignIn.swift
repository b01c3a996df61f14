public import AuditEvents
import Crypto
import HTTPTypes
public import Hummingbird
import HummingbirdCore

/// Sign-in through other people's identity: OAuth 2 and OpenID Connect by authorization code with PKCE (RFC 6749, 7636, 9700).
///
/// `GET PATH/{provider}` sends the browser off, `GET PATH/{provider}/callback` takes it back, asks `onSignIn` whom it is here, and begins a session.
/// State, nonce and code verifier travel sealed in a short-lived cookie, so that a callback in another browser is worth nothing. Every failure is an
/// `authn_login_fail` with `details.factor` `oauth:PROVIDER`, every success an `authn_login_success` and a `session_created`.
public struct OAuthSignIn<Context: AuditedRequestContext>: Sendable {
    public struct Configuration: Sendable {
        /// Scheme, host and port under which browsers reach this server; the redirect URIs are made of it, never of a request's `Host`.
        public var publicURL: String
        public var path = "auth"
        public var cookie = HostCookie("oauth")
        /// How long a user may take at the provider.
        public var lifetimeSeconds: Int64 = 600
        /// Where a browser is sent that named no path.
        public var defaultPath = "/"
        /// Seals the flows: 32 random bytes, the same at all instances.
        public var sealingKey: [UInt8]

        public init(publicURL: String, sealingKey: [UInt8]) { (self.publicURL, self.sealingKey) = (publicURL, sealingKey) }
    }

    /// Gives the principal of an identity, making an account where there is none; nil where it is not let in.
    public typealias Admission = @Sendable (OAuthIdentity, Context) async throws -> Principal?

    private let providers: [OAuthProvider]
    private let sessions: Sessions
    private let http: any OutboundHTTP
    private let idTokens: any IDTokenVerifying
    private let configuration: Configuration
    private let key: SymmetricKey
    private let discovery: OAuthDiscovery
    private let spent = SpentStates()
    private let onSignIn: Admission
    private let now: @Sendable () -> Timestamp

    /// - Throws: `OAuthConfigurationError` for what cannot work: names, URLs, keys.
    public init(
        providers: [OAuthProvider], sessions: Sessions, http: any OutboundHTTP, idTokens: any IDTokenVerifying,
        configuration: Configuration, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now, onSignIn: @escaping Admission
    ) throws(OAuthConfigurationError) {
        try OAuthConfigurationError.check(providers, configuration.publicURL, configuration.sealingKey, configuration.defaultPath)
        self.providers = providers
        self.sessions = sessions
        self.http = http
        self.idTokens = idTokens
        self.configuration = configuration
        self.onSignIn = onSignIn
        self.now = now
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: configuration.sealingKey), info: Array("cardea/oauth".utf8), outputByteCount: 32)
        discovery = OAuthDiscovery(http: http, now: now)
    }

    /// Adds the two routes; they are open to all.
    public func add(to routes: some RouterMethods<Context>) {
        routes.get("\(configuration.path)/:provider", use: start)
        routes.get("\(configuration.path)/:provider/callback", use: callback)
    }

    /// The same, described.
    public func add(to routes: AuditedRouter<Context>) {
        let provider = APIOperation.Parameter.path("provider", .string(pattern: "^[a-z0-9-]{1,32}$"))
        let redirect = APIOperation.Answer(headers: ["Location"])
        routes.get(
            "\(configuration.path)/:provider", policy: .anyone,
            APIOperation(
                "Signs in at an identity provider",
                parameters: [provider, .query("return", .string(length: 1...2048), "A path of this host.")],
                gives: [.seeOther: redirect], fails: [.badRequest, .notFound, .badGateway]),
            use: start)
        routes.get(
            "\(configuration.path)/:provider/callback", policy: .anyone,
            APIOperation(
                "Where the identity provider sends browsers back to", parameters: [provider], gives: [.seeOther: redirect],
                fails: [.badRequest, .forbidden, .notFound, .badGateway]),
            use: callback)
    }

    /// The redirect URI to register with a provider.
    public func redirectURI(of provider: String) -> String { "\(configuration.publicURL)/\(configuration.path)/\(provider)/callback" }

    // MARK: Start

    @Sendable func start(_ request: Request, _ context: Context) async throws -> Response {
        let provider = try provider(context)
        guard let query = try? FormFields((request.uri.query ?? "").utf8, maximumBytes: 8192, maximumCount: 32), !query.hasRepeatedName,
            LocalPath.isAcceptable(query["return"] ?? configuration.defaultPath)
        else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "return_path_refused", severity: .medium)
            throw Problem(.badRequest, detail: "The return path must be a path of this host.")
        }
        let endpoints: OAuthEndpoints
        do { endpoints = try await discovery.endpoints(of: provider) } catch { throw try await fail(error, provider, context) }
        let flow = OAuthFlow(
            provider: provider.name, returnPath: query["return"] ?? configuration.defaultPath,
            expires: now().advanced(bySeconds: configuration.lifetimeSeconds))
        var parameters = [
            ("response_type", "code"), ("client_id", provider.clientID), ("redirect_uri", redirectURI(of: provider.name)),
            ("scope", provider.scopes.joined(separator: " ")), ("state", flow.state), ("code_challenge", flow.challenge),
            ("code_challenge_method", "S256"),
        ]
        if provider.usesIDToken { parameters.append(("nonce", flow.nonce)) }
        parameters += provider.parameters
        context.audit.addResponseField(
            .setCookie, configuration.cookie.field(try flow.sealed(with: key), maximumAgeSeconds: configuration.lifetimeSeconds))
        let separator = endpoints.authorization.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return redirect(to: endpoints.authorization + separator + FormFields.encode(parameters))
    }

    // MARK: Callback

    @Sendable func callback(_ request: Request, _ context: Context) async throws -> Response {
        let provider = try provider(context)
        do {
            let (identity, flow) = try await identify(request, provider, context)
            guard let principal = try await onSignIn(identity, context) else { throw OAuthFailure.notAdmitted }
            context.audit.note(principal)
            try await context.audit.emit(.loginSuccess, outcome: .success) { $0.details["factor"] = .string("oauth:\(provider.name)") }
            try await sessions.begin(principal, request: request, context: context)
            return redirect(to: flow.returnPath)
        } catch let failure as OAuthFailure {
            throw try await fail(failure, provider, context)
        }
    }

    private func identify(_ request: Request, _ provider: OAuthProvider, _ context: Context) async throws -> (OAuthIdentity, OAuthFlow) {
        let callback = try OAuthCallback(query: request.uri.query ?? "")
        guard case .value(let sealed) = configuration.cookie.read(request.headers), let flow = OAuthFlow(sealed: sealed, with: key) else {
            throw OAuthFailure.stateMissing
        }
        let now = now()
        try callback.check(flow, provider: provider, at: now)
        // From here on it is this browser's own flow, and over; before, another site could end it by a link.
        context.audit.addResponseField(.setCookie, configuration.cookie.cleared)
        guard spent.spend(flow.state, until: flow.expires, at: now) else { throw OAuthFailure.stateReused }
        let endpoints = try await discovery.endpoints(of: provider)
        let code = try callback.code(provider, sendsIssuer: endpoints.sendsIssuer)
        let exchange = OAuthExchange(provider: provider, endpoints: endpoints, http: http, idTokens: idTokens)
        return (try await exchange.identity(code: code, flow: flow, redirectURI: redirectURI(of: provider.name)), flow)
    }

    // MARK: Parts

    private func provider(_ context: Context) throws -> OAuthProvider {
        guard let name = context.parameters.get("provider"),
            let provider = providers.first(where: { $0.name.utf8.elementsEqual(name.utf8) })
        else { throw Problem(.notFound) }
        return provider
    }

    /// 303, never cached, and the page that follows is not told from where.
    private func redirect(to location: String) -> Response {
        Response(
            status: .seeOther,
            headers: [.location: location, .cacheControl: "no-store", .referrerPolicy: "no-referrer"])
    }

    private func fail(_ failure: OAuthFailure, _ provider: OAuthProvider, _ context: Context) async throws -> Problem {
        try await context.audit.emit(.loginFailure, outcome: failure.outcome, reason: failure.reason, severity: failure.severity) { facts in
            facts.details["factor"] = .string("oauth:\(provider.name)")
            if let error = failure.providerError { facts.details["provider_error"] = .string(error) }
        }
        let detail =
            switch failure.status {
            case .badGateway: "The identity provider cannot be asked at present."
            case .forbidden: "This account may not sign in here."
            default: "The sign-in was not completed. Start again."
            }
        return Problem(failure.status, detail: detail, headers: [.referrerPolicy: "no-referrer"])
    }
}

/// A configuration of `OAuthSignIn` that cannot work. The value itself is not told: it may be a secret.
public struct OAuthConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    static func check(
        _ providers: [OAuthProvider], _ publicURL: String, _ key: [UInt8], _ defaultPath: String
    ) throws(OAuthConfigurationError) {
        func expect(_ condition: Bool, _ description: String) throws(OAuthConfigurationError) {
            if !condition { throw OAuthConfigurationError(description: description) }
        }
        try expect(key.count >= 32, "the sealing key needs 32 bytes or more")
        try expect(LocalPath.isAcceptable(defaultPath), "the default path must be a path of this host")
        try expect(
            OutboundURL.isAcceptable(publicURL) && SiteOrigin(publicURL) != nil,
            "the public URL must be https (or http on loopback) with a host and no path")
        try expect(Set(providers.map(\.name)).count == providers.count, "two providers have one name")
        for provider in providers {
            let isName =
                (1...32).contains(provider.name.utf8.count)
                && provider.name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
            try expect(isName, "a provider's name must be 1 to 32 lower-case letters, digits and -")
            try expect(!provider.clientID.isEmpty, "\(provider.name): the client id is empty")
            switch provider.endpoints {
            case .fixed(let endpoints):
                try expect(endpoints.areAcceptable, "\(provider.name): an endpoint is not https (or http on loopback)")
                try expect(provider.usesIDToken || endpoints.user != nil, "\(provider.name): nothing says who the user is")
            case .discovered: break
            }
            if let issuer = provider.issuer {
                try expect(OutboundURL.isAcceptable(issuer), "\(provider.name): the issuer is not https (or http on loopback)")
            } else {
                try expect(!provider.usesIDToken && !provider.requiresIssuer, "\(provider.name): an issuer is needed")
            }
        }
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .userAgent
}
