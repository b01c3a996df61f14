/// An identity provider as data: where it is, who one is there, how its answers are read.
public struct OAuthProvider: Sendable {
    /// Where the endpoints come from.
    public enum Endpoints: Sendable {
        case fixed(OAuthEndpoints)
        /// From the issuer's `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4).
        case discovered
    }

    /// How the client shows its secret at the token endpoint (RFC 6749 §2.3.1).
    public enum ClientAuthentication: Sendable { case basic, post }

    /// Which members of the ID token or of the user's document hold what.
    public struct Fields: Sendable {
        /// A string or an integer that never changes and is never given to another user.
        public var id: String
        public var email: String?
        /// A boolean; without one no address counts as verified.
        public var emailVerified: String?
        /// The first of these that is there.
        public var name: [String]
        public init(id: String = "sub", email: String? = "email", emailVerified: String? = "email_verified", name: [String] = ["name"]) {
            (self.id, self.email, self.emailVerified, self.name) = (id, email, emailVerified, name)
        }
    }

    /// Stands in paths and events: 1 to 32 lower-case letters, digits and `-`.
    public var name: String
    public var clientID: String
    /// Nil for a public client.
    public var clientSecret: String?
    public var endpoints: Endpoints
    /// The provider's identifier: what `iss` must be, exactly.
    public var issuer: String?
    public var scopes: [String]
    public var fields = Fields()
    /// Whether it gives an ID token, which then must be there and hold.
    public var usesIDToken: Bool
    /// Whether the callback must bear `iss` (RFC 9207); for a discovered provider its document says so too. One that is there must be right in any case.
    public var requiresIssuer = false
    public var clientAuthentication = ClientAuthentication.post
    /// Further parameters of the authorization request.
    public var parameters: [(String, String)] = []

    /// A provider of OAuth 2 without OpenID Connect, whose user document says who it is.
    public init(name: String, clientID: String, clientSecret: String?, endpoints: OAuthEndpoints, scopes: [String], fields: Fields) {
        (self.name, self.clientID, self.clientSecret, self.scopes, self.fields) = (name, clientID, clientSecret, scopes, fields)
        (self.endpoints, usesIDToken) = (.fixed(endpoints), false)
    }

    private init(oidc name: String, issuer: String, endpoints: Endpoints, clientID: String, clientSecret: String?, scopes: [String]) {
        (self.name, self.clientID, self.clientSecret, self.scopes) = (name, clientID, clientSecret, scopes)
        (self.endpoints, self.issuer, usesIDToken) = (endpoints, issuer, true)
    }

    /// Any provider of OpenID Connect.
    /// - Parameter issuer: exactly as the provider writes it, usually without a slash at its end.
    public static func oidc(
        name: String, issuer: String, clientID: String, clientSecret: String?, scopes: [String] = ["openid", "email", "profile"]
    ) -> OAuthProvider {
        OAuthProvider(oidc: name, issuer: issuer, endpoints: .discovered, clientID: clientID, clientSecret: clientSecret, scopes: scopes)
    }

    public static func google(clientID: String, clientSecret: String) -> OAuthProvider {
        OAuthProvider(
            oidc: "google", issuer: "https://accounts.google.com",
            endpoints: .fixed(
                OAuthEndpoints(
                    authorization: "https://accounts.google.com/o/oauth2/v2/auth", token: "https://oauth2.googleapis.com/token",
                    user: "https://openidconnect.googleapis.com/v1/userinfo", keys: "https://www.googleapis.com/oauth2/v3/certs")),
            clientID: clientID, clientSecret: clientSecret, scopes: ["openid", "email", "profile"])
    }

    /// GitHub, which has no ID token. The address in its user document is the public one; it does not count as verified.
    public static func github(clientID: String, clientSecret: String) -> OAuthProvider {
        OAuthProvider(
            name: "github", clientID: clientID, clientSecret: clientSecret,
            endpoints: OAuthEndpoints(
                authorization: "https://github.com/login/oauth/authorize", token: "https://github.com/login/oauth/access_token",
                user: "https://api.github.com/user"),
            scopes: ["read:user"], fields: Fields(id: "id", emailVerified: nil, name: ["name", "login"]))
    }

    /// Facebook Login, by its Graph API.
    public static func facebook(clientID: String, clientSecret: String) -> OAuthProvider {
        OAuthProvider(
            name: "facebook", clientID: clientID, clientSecret: clientSecret,
            endpoints: OAuthEndpoints(
                authorization: "https://www.facebook.com/v21.0/dialog/oauth",
                token: "https://graph.facebook.com/v21.0/oauth/access_token",
                user: "https://graph.facebook.com/v21.0/me?fields=id,name,email"),
            scopes: ["email", "public_profile"], fields: Fields(id: "id", emailVerified: nil))
    }
}

/// A provider's URLs: `https`, or `http` on loopback.
public struct OAuthEndpoints: Sendable, Hashable {
    public var authorization: String
    public var token: String
    /// The user's document (`userinfo`); needed where there is no ID token.
    public var user: String?
    /// The keys of its ID tokens.
    public var keys: String?
    /// Whether its callbacks bear `iss` (RFC 9207).
    public var sendsIssuer = false

    public init(authorization: String, token: String, user: String? = nil, keys: String? = nil) {
        (self.authorization, self.token, self.user, self.keys) = (authorization, token, user, keys)
    }

    var areAcceptable: Bool { ([authorization, token] + [user, keys].compactMap(\.self)).allSatisfy(OutboundURL.isAcceptable) }
}

/// Who signed in, as the provider says. An account belongs to the pair of provider and subject, never to an address: that can change hands.
public struct OAuthIdentity: Sendable, Hashable {
    public var provider: String
    public var subject: String
    public var email: String?
    /// Whether the provider vouches for the address.
    public var isEmailVerified: Bool
    public var name: String?
}
