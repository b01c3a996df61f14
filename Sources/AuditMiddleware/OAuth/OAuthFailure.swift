import AuditEvents
import HTTPTypes

/// Why a sign-in through a provider failed: the code for the event, the status for the browser.
struct OAuthFailure: Error, Sendable, Hashable {
    var reason: String
    var severity: Severity
    var status: HTTPResponse.Status = .badRequest
    var outcome: Outcome = .failure
    /// The provider's error code, where it is one of the registered ones.
    var providerError: String?

    /// The callback's parameters are too long, repeated, not decodable or not there.
    static let malformed = OAuthFailure(reason: "malformed_callback", severity: .low)
    /// No flow was begun in this browser, or its cookie is not whole.
    static let stateMissing = OAuthFailure(reason: "state_missing", severity: .medium)
    static let stateExpired = OAuthFailure(reason: "state_expired", severity: .low)
    static let stateMismatch = OAuthFailure(reason: "state_mismatch", severity: .high, outcome: .denied)
    static let stateReused = OAuthFailure(reason: "state_reused", severity: .high, outcome: .denied)
    /// The flow was begun with another provider (mix-up, RFC 9700 §4.4).
    static let providerMismatch = OAuthFailure(reason: "provider_mismatch", severity: .high, outcome: .denied)
    static let issuerMismatch = OAuthFailure(reason: "issuer_mismatch", severity: .high, outcome: .denied)
    static let nonceMismatch = OAuthFailure(reason: "nonce_mismatch", severity: .high, outcome: .denied)
    static let audienceMismatch = OAuthFailure(reason: "audience_mismatch", severity: .high, outcome: .denied)
    static let subjectMismatch = OAuthFailure(reason: "subject_mismatch", severity: .high, outcome: .denied)
    /// The provider did not take the code.
    static let exchangeFailed = OAuthFailure(reason: "exchange_failed", severity: .medium)
    /// The provider was away or its answer none that the standard knows.
    static let providerUnavailable = OAuthFailure(reason: "provider_unavailable", severity: .medium, status: .badGateway, outcome: .error)
    static let noIdentity = OAuthFailure(reason: "no_identity", severity: .medium, status: .badGateway, outcome: .error)
    /// The application did not let the user in.
    static let notAdmitted = OAuthFailure(reason: "not_admitted", severity: .low, status: .forbidden, outcome: .denied)

    static func idToken(_ rejection: TokenRejection.Reason) -> OAuthFailure {
        OAuthFailure(reason: "id_token_\(rejection.code)", severity: max(rejection.severity, .medium), outcome: .denied)
    }

    /// An `error` of the callback or the token endpoint; unknown codes are not repeated.
    static func provider(_ error: String) -> OAuthFailure {
        let known = [
            "access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "server_error",
            "temporarily_unavailable", "login_required", "consent_required", "interaction_required", "account_selection_required",
            "invalid_client", "invalid_grant", "unsupported_grant_type", "bad_verification_code", "incorrect_client_credentials",
            "redirect_uri_mismatch",
        ]
        let code = known.first { $0.utf8.elementsEqual(error.utf8) } ?? "other"
        return OAuthFailure(
            reason: "provider_error", severity: code == "access_denied" ? .informational : .low,
            outcome: code == "access_denied" ? .denied : .failure, providerError: code)
    }
}
