import AuditEvents
public import AuditMiddleware
public import Configuration

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

        public var host = "127.0.0.1"
        /// 0 takes a free one.
        public var port = 8080
        /// The service's name in its events and its tokens.
        public var source = "example"
        /// Signs access tokens: 32 bytes or more. Random by default, so that no token outlives the process.
        public var signingKey = PBKDF2Passwords.randomBytes(32)
        /// Under which tokens and session ids are fingerprinted. Random by default; one that stays lets fingerprints be compared over restarts.
        public var fingerprintKey = PBKDF2Passwords.randomBytes(32)
        /// What its API keys begin with, so that people and secret scanners know them.
        public var apiKeyPrefix = "shop"
        public var accessTokenSeconds: Int64 = 900
        public var sessionSeconds: Int64 = 86_400
        public var passwordIterations = 20_000
        /// Per client, on everything but `/health`.
        public var generalLimit = RateLimitPolicy(name: "general", limit: 300, windowSeconds: 60)
        /// Per client, on `/login`: wide enough that guessing is noticed before it is throttled.
        public var loginLimit = RateLimitPolicy(name: "login", limit: 30, windowSeconds: 60)
        /// The hosts it answers for, `*.example.com` for all of a domain; empty for any.
        public var hosts: [String] = []
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
        public var permissions: PermissionTable = ["editor": ["books:write"], "admin": ["users:read"]]
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
        /// - `passwordIterations` (int, default: 20000): of PBKDF2
        /// - `limits.general` (int, default: 300), `limits.login` (int, default: 30): requests a minute and client
        /// - `hosts` (list, default: any): hosts it answers for; `origins` (list, default: none): origins whose pages may use it (CORS)
        /// - `proxies` (list of networks, default: none): reverse proxies whose `X-Forwarded-For` is believed
        /// - `passwords.NAME` (string, secret, default: `NAME-demo-password`): of the accounts alice, bob, carol, dave, erin, frank, grace, heidi
        /// - Throws: `ConfigurationError` for a key that is not hex or too short, and for a proxy that is no network.
        public init(reader: ConfigReader) throws {
            host = reader.string(forKey: "host", default: host)
            port = reader.int(forKey: "port", default: port)
            source = reader.string(forKey: "source", default: source)
            signingKey = try Self.key(reader, "signingKey", minimum: 32) ?? signingKey
            fingerprintKey = try Self.key(reader, "fingerprintKey", minimum: 16) ?? fingerprintKey
            apiKeyPrefix = reader.string(forKey: "apiKeyPrefix", default: apiKeyPrefix)
            accessTokenSeconds = Int64(reader.int(forKey: "accessTokenSeconds", default: Int(accessTokenSeconds)))
            sessionSeconds = Int64(reader.int(forKey: "sessionSeconds", default: Int(sessionSeconds)))
            passwordIterations = reader.int(forKey: "passwordIterations", default: passwordIterations)
            generalLimit = RateLimitPolicy(
                name: "general", limit: reader.int(forKey: "limits.general", default: generalLimit.limit), windowSeconds: 60)
            loginLimit = RateLimitPolicy(
                name: "login", limit: reader.int(forKey: "limits.login", default: loginLimit.limit), windowSeconds: 60)
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
            for index in users.indices {
                let key = ConfigKey("passwords.\(users[index].username)")
                users[index].password = reader.string(forKey: key, isSecret: true, default: users[index].password)
            }
        }

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
