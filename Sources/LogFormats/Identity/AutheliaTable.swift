import AuditEvents

extension FieldTable {
    /// Authelia, in logfmt or JSON. The account stands in the message, between quotes that nothing escapes; the client has a field of its own.
    static let authelia = FieldTable(
        service: "authelia", marks: [.has("msg"), .has("level"), .has("time"), .has("remote_ip"), .has("method"), .exists("path")],
        kin: [.has("msg"), .has("level"), .has("time")], time: ["time"], client: ["remote_ip"], method: ["method"], path: ["path"],
        rules: [
            FieldRule(
                [.starts("msg", "Unsuccessful 1FA"), .contains("msg", "banned")], .loginLocked, reason: .code("banned"), actor: user),
            FieldRule(
                [.starts("msg", "Unsuccessful 1FA")], .loginFailure,
                reason: .found(["error", "msg"], [("user not found", "unknown_account")], otherwise: "bad_password"), actor: user),
            FieldRule(
                [.starts("msg", "Unsuccessful Duo"), .contains("msg", "deny")], .loginFailure, reason: .code("mfa_denied"), actor: user,
                note: ("factor", "second")),
            FieldRule(
                [.starts("msg", "Unsuccessful "), .contains("msg", " authentication attempt by user '")], .loginFailure,
                reason: .found(["error"], [("deny", "mfa_denied")], otherwise: "bad_code"), actor: user, note: ("factor", "second")),
            FieldRule(
                [.starts("msg", "Error occurred getting details for user with username input '")], .loginFailure,
                reason: .found(["error"], [("user not found", "unknown_account")], otherwise: "unknown_account"),
                actor: [.init(path: "msg", after: "with username input '", before: "'")]),
            FieldRule([.starts("msg", "Successful 1FA")], .loginSuccess, actor: user, note: ("factor", "first")),
            FieldRule(
                [.starts("msg", "Successful "), .contains("msg", " authentication attempt made by user '")], .loginSuccess, actor: user,
                note: ("factor", "second")),
            FieldRule(
                [.starts("msg", "Access to "), .contains("msg", "is forbidden to user", "responding with status code 403")],
                .authorizationFailure, reason: .code("access_rule"), actor: [.init(path: "msg", after: " to user '", before: "'")]),
        ])

    private static let user: [FieldRule.Part] = [.init(path: "msg", after: "by user '", before: "'")]

    /// authentik's events and requests, JSON.
    static let authentik = FieldTable(
        service: "authentik", marks: [.has("event"), .has("timestamp"), .starts("logger", "authentik")],
        kin: [.has("event"), .has("timestamp"), .has("logger"), .has("level")], time: ["timestamp"],
        actor: ["context.username", "identifier", "user.username", "user"], actorID: ["user.pk"],
        client: ["client_ip", "remote"], userAgent: ["user_agent", "context.http_request.user_agent"],
        method: ["context.http_request.method", "method"], path: ["context.http_request.path"], status: ["status"], target: ["host"],
        requestID: ["request_id"], noNames: ["AnonymousUser"],
        details: [("stage", "context.stage.name"), ("country", "context.geo.country")],
        rules: [
            FieldRule([.equals("action", "login_failed")], .loginFailure, reason: .code("bad_password")),
            FieldRule(
                [.equals("event", "invalid_login")], .loginFailure,
                reason: .found(["action"], [("invalid_identifier", "unknown_account")], otherwise: "bad_password")),
            FieldRule([.equals("action", "login")], .loginSuccess),
            FieldRule([.equals("action", "logout")], .done(.sessionEnded)),
            FieldRule([.equals("action", "password_set")], .done(.passwordChange)),
            FieldRule([.equals("action", "authorize_application")], .done(.authorizationSuccess)),
            FieldRule([.equals("action", "suspicious_request")], .event(.maliciousExtraneous, .unknown, .medium)),
            FieldRule(
                [.equals("action", "impersonation_started", "impersonation_ended")], .event(.administration, .success, .low),
                reason: .found(["action"], [("started", "impersonation_started")], otherwise: "impersonation_ended"), isPrivileged: true),
            FieldRule(
                [.equals("action", "secret_view", "secret_rotate")], .event(.administration, .success, .low),
                reason: .found(["action"], [("view", "secret_view")], otherwise: "secret_rotate"), isPrivileged: true),
            FieldRule([.starts("event", "/"), .has("method"), .has("status")], .request),
        ])

    static let keycloak = FieldTable(
        service: "keycloak", marks: [.has("type"), .exists("realmId"), .exists("ipAddress")], time: ["timestamp"],
        actor: ["username", "impersonator"], actorID: ["userId"], client: ["ipAddress"], target: ["clientId"], noNames: ["null"],
        details: [
            ("realm", "realmName"), ("realm_id", "realmId"), ("error", "error"), ("auth_method", "auth_method"),
            ("identity_provider", "identity_provider"),
        ],
        rules: [
            FieldRule(
                [
                    .equals("type", "LOGIN_ERROR", "IDENTITY_PROVIDER_LOGIN_ERROR"),
                    .equals(
                        "error", "user_temporarily_disabled", "user_disabled", "user_disabled_by_temporary_lockout",
                        "user_disabled_by_permanent_lockout"),
                ], .loginLocked, reason: .code("locked")),
            FieldRule(
                [.equals("type", "USER_DISABLED_BY_TEMPORARY_LOCKOUT", "USER_DISABLED_BY_PERMANENT_LOCKOUT")], .loginLocked,
                reason: .code("locked")),
            // Not of the account's credentials: the application asked wrongly, the page was too old, the user pressed Cancel.
            FieldRule(
                [
                    .equals("type", "LOGIN_ERROR"),
                    .equals(
                        "error", "expired_code", "rejected_by_user", "cookie_not_found", "invalid_redirect_uri", "already_logged_in",
                        "identity_provider_error", "code_not_found", "ssl_required"),
                ], .skipped("a login that ended before its credentials were looked at")),
            FieldRule([.equals("type", "LOGIN_ERROR", "IDENTITY_PROVIDER_LOGIN_ERROR")], .loginFailure, reason: keycloakReason),
            FieldRule(
                [.equals("type", "CLIENT_LOGIN_ERROR", "INTROSPECT_TOKEN_ERROR", "TOKEN_EXCHANGE_ERROR")],
                .event(.tokenRejected, .failure, .low), reason: keycloakReason),
            FieldRule(
                [.equals("type", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN_ERROR")], .event(.tokenRejected, .failure, .informational),
                reason: keycloakReason),
            FieldRule(
                [.equals("type", "PERMISSION_TOKEN_ERROR", "USER_INFO_REQUEST_ERROR")], .authorizationFailure, reason: keycloakReason),
            FieldRule([.equals("type", "LOGIN", "IDENTITY_PROVIDER_LOGIN")], .loginSuccess),
            FieldRule([.equals("type", "CLIENT_LOGIN", "REFRESH_TOKEN", "CODE_TO_TOKEN", "TOKEN_EXCHANGE")], .done(.tokenCreated)),
            FieldRule([.equals("type", "LOGOUT")], .done(.sessionEnded)),
            FieldRule([.equals("type", "REGISTER")], .done(.userCreated)),
            FieldRule(
                [.equals("type", "UPDATE_PROFILE", "UPDATE_EMAIL", "UPDATE_TOTP", "REMOVE_TOTP", "UPDATE_CREDENTIAL", "REMOVE_CREDENTIAL")],
                .done(.userUpdated), reason: keycloakReason),
            FieldRule([.equals("type", "DELETE_ACCOUNT")], .done(.userDeleted)),
            FieldRule([.equals("type", "UPDATE_PASSWORD", "RESET_PASSWORD")], .done(.passwordChange)),
            FieldRule(
                [.equals("type", "UPDATE_PASSWORD_ERROR", "RESET_PASSWORD_ERROR")], .event(.passwordChangeFailure, .failure, .low),
                reason: keycloakReason),
            FieldRule([.equals("type", "REVOKE_GRANT")], .done(.tokenRevoked)),
            FieldRule(
                [.equals("type", "IMPERSONATE")], .event(.administration, .success, .low), reason: .code("impersonation_started"),
                isPrivileged: true),
        ])

    private static let keycloakReason = FieldRule.Reason.found(
        ["error"],
        [
            ("user_not_found", "unknown_account"), ("invalid_user_credentials", "bad_password"),
            ("invalid_client_credentials", "bad_credentials"),
            ("client_not_found", "unknown_client"), ("invalid_client", "unknown_client"), ("expired", "expired"),
            ("invalid_token", "invalid_token"),
        ], otherwise: "refused")

    /// Grafana's own log, in logfmt or JSON.
    static let grafana = FieldTable(
        service: "grafana", marks: [.has("msg"), .has("logger"), .has("t"), .has("remote_addr")],
        kin: [.has("msg"), .has("logger"), .has("t")], time: ["t"], actor: ["uname"], actorID: [], client: ["remote_addr"],
        method: ["method"], path: ["path"], status: ["status"], duration: ("time_ms", .milliseconds),
        details: [("bytes", "size"), ("referer", "referer")],
        rules: [
            FieldRule(
                [.equals("msg", "Invalid username or password")], .loginFailure,
                reason: .found(
                    ["error"], [("User not found", "unknown_account"), ("user not found", "unknown_account")], otherwise: "bad_password")),
            FieldRule(
                [.equals("msg", "Too many consecutive incorrect login attempts for user")], .loginLocked, reason: .code("too_many_failures")
            ),
            FieldRule(
                [.equals("msg", "Request Completed"), .equals("method", "POST"), .equals("path", "/login"), .equals("status", "401")],
                .loginFailure, reason: .code("bad_credentials")),
            FieldRule(
                [.equals("msg", "Request Completed"), .equals("method", "POST"), .equals("path", "/login"), .equals("status", "200")],
                .loginSuccess),
            FieldRule([.equals("msg", "Request Completed")], .request),
        ])
}
