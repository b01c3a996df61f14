public import AuditEvents
public import HTTPTypes
public import HummingbirdCore

/// One way in which a request can show who makes it: bearer tokens, a session's cookie, an API key, somebody else's service.
public protocol Authenticator: Sendable {
    /// What `WWW-Authenticate` says of this scheme in a 401 (RFC 9110 §11.6.1); nil for one that has no challenge, such as a cookie.
    var challenge: AuthenticationChallenge? { get }

    /// How clients are told to present the credential, in listings and in OpenAPI. By default what the challenge says.
    var securityScheme: SecurityScheme { get }

    /// Looks for a credential of this scheme in `request` and judges it.
    ///
    /// What it finds out about the actor, the session and the token it notes in `context.audit`, secrets as fingerprints only. It emits no event for
    /// a rejection: `Authentication` does.
    /// - Throws: where the credential cannot be judged (its store is away). The request then ends with that error, never as nobody's.
    func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult
}

/// What one scheme made of a request.
public enum AuthenticationResult: Sendable {
    /// The request bears no credential of this scheme: the next one is tried.
    case absent
    case authenticated(Principal)
    /// It bears one that is not accepted: no other scheme is tried.
    case rejected(AuthenticationRejection)
}

/// Why a credential is not accepted: what the record is told, and what the client is.
public struct AuthenticationRejection: Sendable {
    public var event: EventType
    /// A short code for the event; never told outside.
    public var reason: String
    public var severity: Severity
    /// Details for the event.
    public var details: JSONObject = [:]
    public var outcome = Outcome.denied
    public var status = HTTPResponse.Status.unauthorized
    /// The challenge's `error` (RFC 6750 §3.1), where its scheme has one.
    public var error: String?
    /// For the client: the same for whatever was wrong.
    public var detail: String
    /// Further header fields of the response.
    public var headers: HTTPFields = [:]

    public init(event: EventType = .tokenRejected, reason: String, severity: Severity, error: String? = nil, detail: String) {
        (self.event, self.reason, self.severity, self.error, self.detail) = (event, reason, severity, error, detail)
    }
}

extension AuthenticationRejection {
    /// Whether the credential holds cannot be found out at present: 503, to be tried again. It says nothing about the client.
    public static func unavailable(reason: String, retryAfterSeconds: Int = 5) -> AuthenticationRejection {
        var rejection = AuthenticationRejection(
            event: .authenticationUnavailable, reason: reason, severity: .medium, detail: "Authentication is not possible at present.")
        rejection.outcome = .error
        rejection.status = .serviceUnavailable
        rejection.headers[.retryAfter] = String(retryAfterSeconds)
        return rejection
    }
}

/// A challenge of `WWW-Authenticate`: a scheme and its parameters (RFC 9110 §11.6.1).
public struct AuthenticationChallenge: Sendable, Hashable {
    public let scheme: String
    private let parameters: String

    /// - Parameter parameters: written as quoted strings in their order; quotes, backslashes and control characters are left out of them.
    public init(scheme: String, parameters: KeyValuePairs<String, String>) {
        self.scheme = scheme
        self.parameters = parameters.map { "\($0)=\"\(Self.quotable($1))\"" }.joined(separator: ", ")
    }

    /// The field's value, with an `error` and the `scope` that is needed where they are given (RFC 6750 §3).
    public func value(error: String? = nil, scopes: [String] = []) -> String {
        let error = error.map { "error=\"\(Self.quotable($0))\"" }
        let scope = scopes.isEmpty ? nil : "scope=\"\(Self.quotable(scopes.joined(separator: " ")))\""
        let all = [parameters.isEmpty ? nil : parameters, error, scope].compactMap(\.self).joined(separator: ", ")
        return all.isEmpty ? scheme : "\(scheme) \(all)"
    }

    private static func quotable(_ text: String) -> String {
        String(
            decoding: text.utf8.filter { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }, as: UTF8.self)
    }
}
