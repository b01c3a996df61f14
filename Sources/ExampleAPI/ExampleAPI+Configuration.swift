public import AuditEvents
public import AuditMiddleware
public import Configuration
import Crypto

extension ExampleAPI {
    public struct Configuration: Sendable {
        /// An account that is there from the start.
        public struct User: Sendable {
            public var username: String
            public var password: String
            public var roles: [String]
            public init(username: String, password: String, roles: [String]) {
                (self.username, self.password, self.roles) = (username, password, roles)
            }
        }

        /// Another issuer of access tokens, known by its keys.
        public struct OtherIssuer: Sendable {
            /// Its `iss`, exactly.
            public var issuer: String
            /// What must be among `aud`.
            public var audience: String
            /// Its JWK set; nil for the one that its discovery document names.
            public var keysURL: String?
            public init(issuer: String, audience: String, keysURL: String? = nil) {
                (self.issuer, self.audience, self.keysURL) = (issuer, audience, keysURL)
            }
        }

        public var host = "127.0.0.1"
        /// 0 takes a free one.
        public var port = 8080
        /// The service's name in its events and its tokens.
        public var source = "example"
        /// Signs access tokens: 32 bytes or more. Random by default, so that no token outlives the process.
        public var signingKey = Self.randomBytes()
        /// Under which tokens and session ids are fingerprinted. Random by default; one that stays lets fingerprints be compared over restarts.
        public var fingerprintKey = Self.randomBytes()
        /// What its API keys begin with, so that people and secret scanners know them.
        public var apiKeyPrefix = "shop"
        public var accessTokenSeconds: Int64 = 900
        public var sessionSeconds: Int64 = 86_400
        /// The binary logarithm of scrypt's N: 14 for a demonstration that does not wait, 17 where it matters.
        public var passwordCost = 14
        /// When wrong passwords lock whom: 3 for 15 minutes, 6 for 2 hours, 10 for a day.
        public var lockout = LockoutPolicy.standard
        /// Seals second factors in the storage, and sign-ins that are under way at providers. Random by default: then neither outlives the process.
        public var sealingKey = Self.randomBytes()
        /// Per client, on everything but `/health`.
        public var generalLimit = RateLimitPolicy(name: "general", limit: 300, windowSeconds: 60)
        /// Per client, on `/login`: wide enough that guessing is noticed before it is throttled.
        public var loginLimit = RateLimitPolicy(name: "login", limit: 30, windowSeconds: 60)
        /// Whether its instances count together.
        public var sharesLimits = false
        /// The hosts it answers for, `*.example.com` for all of a domain; empty for any.
        public var hosts: [String] = []
        /// By whose word a request came over TLS; others are redirected there. Nil where nobody is.
        public var scheme: SchemeTrust?
        /// Where clients reach it, such as `https://shop.example.com`: what redirects from providers and proofs of possession are made for.
        public var publicURL: String?
        /// Whether the session's cookie goes over plain HTTP too: for trying it in a browser on loopback, and for nothing else.
        public var plainCookies = false
        /// Identity providers that people can sign in at.
        public var providers: [OAuthProvider] = []
        /// Another issuer, whose access tokens open the books.
        public var otherIssuer: OtherIssuer?
        /// The origins whose pages may use it; empty for none but its own.
        public var corsOrigins: [String] = []
        /// Whose word is taken for a client's address.
        public var clientAddress = ClientAddressTrust.peer
        /// The demonstration's accounts; the password of each is its name followed by `-demo-password`.
        public var users: [User] = [
            ("alice", ["editor"]), ("bob", ["reader"]), ("carol", ["admin", "editor"]), ("dave", ["reader"]), ("erin", ["reader"]),
            ("frank", ["reader"]), ("grace", ["reader"]), ("heidi", ["reader"]),
        ].map { User(username: $0.0, password: "\($0.0)-demo-password", roles: $0.1) }
        /// What the roles permit.
        public var permissions: PermissionTable = ["editor": ["books:write"], "admin": ["users:read", "users:write"]]
        public var clock = AuditClock.system

        public init() {}

        /// Reads the configuration.
        ///
        /// - `host` (string, default: "127.0.0.1"), `port` (int, default: 8080; 0 takes a free one)
        /// - `source` (string, default: "example"): the service's name in its events
        /// - `signingKey` (hex, secret, default: random): 32 bytes or more
        /// - `fingerprintKey` (hex, secret, default: random): 16 bytes or more
        /// - `apiKeyPrefix` (string, default: "shop"): what its API keys begin with
        /// - `accessTokenSeconds` (int, default: 900), `sessionSeconds` (int, default: 86400)
        /// - `sealingKey` (hex, secret, default: random, or the deployment's own): 32 bytes or more; seals second factors and sign-ins at providers
        /// - `passwordCost` (int, default: 14): the binary logarithm of scrypt's N; 17 where it matters
        /// - `lockout` (bool, default: true): whether wrong passwords lock accounts and addresses
        /// - `limits.general` (int, default: 300), `limits.login` (int, default: 30): requests a minute and client;
        ///   `limits.shared` (bool, default: false): whether instances count together, in the database
        /// - `hosts` (list, default: any): hosts it answers for; `origins` (list, default: none): origins whose pages may use it (CORS)
        /// - `proxies` (list of networks, default: none): reverse proxies whose `X-Forwarded-For` is believed
        /// - `https` (string, default: "off"): `x-forwarded-proto` or `forwarded`, by whose word requests came over TLS; others are redirected there
        /// - `publicURL` (string): where clients reach it, needed for providers
        /// - `plainCookies` (bool, default: false): cookies over plain HTTP, for trying it on loopback
        /// - `oauth.google.clientId`, `oauth.google.clientSecret` (secret), likewise `oauth.github`, `oauth.facebook`, and `oauth.oidc` with its
        ///   `oauth.oidc.issuer`: identity providers to sign in at
        /// - `identity.issuer`, `identity.audience` (default: "example"), `identity.keys` (URL, default: by discovery): another issuer,
        ///   whose access tokens open the books
        /// - `passwords.NAME` (string, secret, default: `NAME-demo-password`): of the accounts alice, bob, carol, dave, erin, frank, grace, heidi
        /// - Throws: `ConfigurationError` for a key that is not hex or too short, a proxy that is no network, and what is not among the choices.
        public init(reader: ConfigReader) throws {
            host = reader.string(forKey: "host", default: host)
            port = reader.int(forKey: "port", default: port)
            source = reader.string(forKey: "source", default: source)
            signingKey = try Self.key(reader, "signingKey", minimum: 32) ?? signingKey
            fingerprintKey = try Self.key(reader, "fingerprintKey", minimum: 16) ?? fingerprintKey
            apiKeyPrefix = reader.string(forKey: "apiKeyPrefix", default: apiKeyPrefix)
            accessTokenSeconds = Int64(reader.int(forKey: "accessTokenSeconds", default: Int(accessTokenSeconds)))
            sessionSeconds = Int64(reader.int(forKey: "sessionSeconds", default: Int(sessionSeconds)))
            sealingKey = try Self.key(reader, "sealingKey", minimum: 32) ?? sealingKey
            hasSealingKey = reader.string(forKey: "sealingKey", isSecret: true) != nil
            passwordCost = reader.int(forKey: "passwordCost", default: passwordCost)
            if !reader.bool(forKey: "lockout", default: true) { lockout = LockoutPolicy(account: [], address: [], both: []) }
            generalLimit = RateLimitPolicy(
                name: "general", limit: reader.int(forKey: "limits.general", default: generalLimit.limit), windowSeconds: 60)
            loginLimit = RateLimitPolicy(
                name: "login", limit: reader.int(forKey: "limits.login", default: loginLimit.limit), windowSeconds: 60)
            sharesLimits = reader.bool(forKey: "limits.shared", default: sharesLimits)
            hosts = reader.stringArray(forKey: "hosts", default: hosts)
            corsOrigins = reader.stringArray(forKey: "origins", default: corsOrigins)
            if let proxies = reader.stringArray(forKey: "proxies"), !proxies.isEmpty {
                let networks = proxies.compactMap(NetworkRange.init)
                guard networks.count == proxies.count else {
                    throw ConfigurationError(
                        key: "proxies", expected: "networks like 10.0.0.0/8 or 2001:db8::/32, without bits beyond the prefix")
                }
                clientAddress = .trustedProxies(networks, header: .xForwardedFor)
            }
            publicURL = reader.string(forKey: "publicURL")
            plainCookies = reader.bool(forKey: "plainCookies", default: plainCookies)
            scheme = try Self.scheme(reader.string(forKey: "https", default: "off"))
            providers = try Self.providers(reader.scoped(to: "oauth"))
            guard providers.isEmpty || publicURL != nil else {
                throw ConfigurationError(
                    key: "publicURL", expected: "where providers send browsers back to, such as https://shop.example.com")
            }
            if let issuer = reader.string(forKey: "identity.issuer") {
                otherIssuer = OtherIssuer(
                    issuer: issuer, audience: reader.string(forKey: "identity.audience", default: "example"),
                    keysURL: reader.string(forKey: "identity.keys"))
            }
            for index in users.indices {
                let key = ConfigKey("passwords.\(users[index].username)")
                users[index].password = reader.string(forKey: key, isSecret: true, default: users[index].password)
            }
        }

        /// Takes the keys that instances of one deployment share, where none were configured.
        public mutating func use(deploymentKey: [UInt8]) {
            fingerprintKey = deploymentKey
            guard !hasSealingKey else { return }
            sealingKey = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: deploymentKey), info: Array("cardea/example/sealing".utf8), outputByteCount: 32
            ).withUnsafeBytes { Array($0) }
        }

        private var hasSealingKey = false

        /// Whether it asks other servers.
        var asksProviders: Bool { !providers.isEmpty || otherIssuer != nil }

        private static func scheme(_ name: String) throws(ConfigurationError) -> SchemeTrust? {
            switch name {
            case "off": nil
            case "x-forwarded-proto": .xForwardedProto
            case "forwarded": .forwarded
            default: throw ConfigurationError(key: "https", expected: "off, x-forwarded-proto or forwarded")
            }
        }

        private static func providers(_ reader: ConfigReader) throws(ConfigurationError) -> [OAuthProvider] {
            var providers: [OAuthProvider] = []
            for name in ["google", "github", "facebook", "oidc"] {
                let reader = reader.scoped(to: ConfigKey(name))
                guard let id = reader.string(forKey: "clientId") else { continue }
                let secret = reader.string(forKey: "clientSecret", isSecret: true)
                switch name {
                case "google": providers.append(.google(clientID: id, clientSecret: secret ?? ""))
                case "github": providers.append(.github(clientID: id, clientSecret: secret ?? ""))
                case "facebook": providers.append(.facebook(clientID: id, clientSecret: secret ?? ""))
                default:
                    guard let issuer = reader.string(forKey: "issuer") else {
                        throw ConfigurationError(key: "oauth.oidc.issuer", expected: "the provider's identifier, as it writes it")
                    }
                    providers.append(.oidc(name: name, issuer: issuer, clientID: id, clientSecret: secret))
                }
            }
            return providers
        }

        private static func randomBytes() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }

        private static func key(_ reader: ConfigReader, _ name: String, minimum: Int) throws(ConfigurationError) -> [UInt8]? {
            guard let text = reader.string(forKey: ConfigKey(name), isSecret: true) else { return nil }
            guard let bytes = Hexadecimal.decode(text.utf8, allowingUpperCase: true), bytes.count >= minimum else {
                throw ConfigurationError(key: name, expected: "\(minimum) bytes or more in hex")
            }
            return bytes
        }
    }
}

/// A value of the configuration that cannot be used. The value itself is not told: it may be a secret.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    public let key: String
    public let expected: String
    public var description: String { "\(key): expected \(expected)" }
}

// A service group logs its services by their descriptions, and a description by reflection would tell keys and passwords.
extension ExampleAPI: CustomStringConvertible {
    public var description: String { "ExampleAPI(\(configuration))" }
}

extension ExampleAPI.Configuration: CustomStringConvertible {
    public var description: String { "\(source) on \(host):\(port)" }
}

extension ExampleAPI.Configuration.User: CustomStringConvertible {
    public var description: String { username }
}
