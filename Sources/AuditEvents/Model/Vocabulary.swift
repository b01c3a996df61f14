/// What happened, by its name in the OWASP Logging Vocabulary; `http_request` for a plain request, `audit_*` for Cardea's own acts.
///
/// A struct, so that applications add their own (`sys_*`, `input_*` and further names are legal); the members below are those that Cardea's
/// own middleware, log formats, views and rules know. Source: OWASP Logging Vocabulary Cheat Sheet.
public struct EventType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    // Authentication
    public static let loginSuccess = EventType("authn_login_success")
    public static let loginSuccessAfterFailure = EventType("authn_login_successafterfail")
    public static let loginFailure = EventType("authn_login_fail")
    public static let loginFailureMaximum = EventType("authn_login_fail_max")
    public static let loginLocked = EventType("authn_login_lock")
    public static let passwordChange = EventType("authn_password_change")
    public static let passwordChangeFailure = EventType("authn_password_change_fail")
    public static let impossibleTravel = EventType("authn_impossible_travel")
    public static let tokenCreated = EventType("authn_token_created")
    public static let tokenRevoked = EventType("authn_token_revoked")
    public static let tokenReuse = EventType("authn_token_reuse")
    public static let tokenDeleted = EventType("authn_token_delete")
    /// A presented token was refused: bad signature, expired, unknown key, wrong audience. Cardea's addition to the vocabulary.
    public static let tokenRejected = EventType("authn_token_rejected")
    /// A presented credential could not be judged: who knows it is away. Cardea's addition to the vocabulary.
    public static let authenticationUnavailable = EventType("authn_unavailable")
    /// A connection or session that ended before anybody authenticated (sshd `[preauth]`). Cardea's addition to the vocabulary.
    public static let authenticationAborted = EventType("authn_aborted")

    // Authorization
    /// Somebody was let in, where such decisions are recorded too. Cardea's addition to the vocabulary.
    public static let authorizationSuccess = EventType("authz_success")
    public static let authorizationFailure = EventType("authz_fail")
    public static let authorizationChange = EventType("authz_change")
    public static let administration = EventType("authz_admin")

    // Limits, input, misuse
    public static let rateLimitExceeded = EventType("excess_rate_limit_exceeded")
    public static let inputValidationFailure = EventType("input_validation_fail")
    public static let malicious404 = EventType("malicious_excess_404")
    public static let maliciousExtraneous = EventType("malicious_extraneous")
    public static let maliciousAttackTool = EventType("malicious_attack_tool")
    public static let maliciousCORS = EventType("malicious_cors")
    public static let maliciousDirectReference = EventType("malicious_direct_reference")

    // Sessions
    public static let sessionCreated = EventType("session_created")
    public static let sessionRenewed = EventType("session_renewed")
    public static let sessionExpired = EventType("session_expired")
    public static let sessionUseAfterExpire = EventType("session_use_after_expire")
    public static let sessionEnded = EventType("session_ended")

    // System
    public static let systemStartup = EventType("sys_startup")
    public static let systemShutdown = EventType("sys_shutdown")
    public static let systemCrash = EventType("sys_crash")

    // Users
    public static let userCreated = EventType("user_created")
    public static let userUpdated = EventType("user_updated")
    public static let userDeleted = EventType("user_deleted")

    /// A request that was answered, whatever the status.
    public static let httpRequest = EventType("http_request")

    // Cardea's own acts
    public static let auditImport = EventType("audit_import")
    public static let auditMigrated = EventType("audit_migrated")
    /// A recorder is there and tells what it has counted.
    public static let auditHeartbeat = EventType("audit_heartbeat")
    public static let auditProjectionRebuilt = EventType("audit_projection_rebuilt")

    /// Whether this is one of Cardea's own acts, which `query` omits unless asked.
    public var isOwn: Bool { rawValue.hasPrefix("audit_") }
}

/// How the act ended.
public enum Outcome: String, Sendable, Hashable, CaseIterable {
    case success, failure, denied, error, unknown

    /// The outcome of an HTTP exchange: 1xx–3xx success; 401, 403, 407 and 429 denied; other 4xx failure; 5xx error.
    public init(httpStatus status: Int) {
        self =
            switch status {
            case 100..<400: .success
            case 401, 403, 407, 429: .denied
            case 400..<500: .failure
            case 500..<600: .error
            default: .unknown
            }
    }
}

/// OCSF 1.x `severity_id`.
public enum Severity: Int16, Sendable, Hashable, CaseIterable, Comparable {
    case unknown = 0
    case informational, low, medium, high, critical, fatal

    public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }

    /// The OCSF caption in lower case.
    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .informational: "informational"
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        case .critical: "critical"
        case .fatal: "fatal"
        }
    }
}

/// What kind of principal acted.
public enum ActorKind: String, Sendable, Hashable, CaseIterable {
    case anonymous, user, service, system
}

/// How sensitive the data is that was touched.
public enum Sensitivity: String, Sendable, Hashable, CaseIterable {
    case normal, personal, confidential, restricted
}
