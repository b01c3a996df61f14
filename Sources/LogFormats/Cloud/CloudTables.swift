import AuditEvents

extension FieldTable {
    /// AWS CloudTrail: sign-ins to the console, refused calls, and calls that change who may do what.
    static let cloudTrail = FieldTable(
        service: "cloudtrail", marks: [.has("eventVersion"), .has("eventSource"), .has("eventName"), .has("eventTime")],
        time: ["eventTime"], actor: ["userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName", "userIdentity.arn"],
        actorID: ["userIdentity.principalId"], client: ["sourceIPAddress"], userAgent: ["userAgent"], target: ["eventSource"],
        requestID: ["requestID"], noNames: ["HIDDEN_DUE_TO_SECURITY_REASONS"],
        details: [
            ("event_name", "eventName"), ("region", "awsRegion"), ("account", "recipientAccountId"), ("error", "errorCode"),
            ("message", "errorMessage"), ("mfa_used", "additionalEventData.MFAUsed"), ("identity_type", "userIdentity.type"),
            ("event_id", "eventID"),
        ],
        rules: [
            FieldRule(
                [
                    .equals("eventName", "ConsoleLogin"), .equals("responseElements.ConsoleLogin", "Success"),
                    .equals("userIdentity.type", "Root"),
                ], .event(.loginSuccess, .success, .medium), isPrivileged: true),
            FieldRule([.equals("eventName", "ConsoleLogin"), .equals("responseElements.ConsoleLogin", "Success")], .loginSuccess),
            FieldRule(
                [.equals("eventName", "ConsoleLogin")], .loginFailure,
                reason: .found(
                    ["errorMessage"],
                    [("No username found", "unknown_account"), ("Failed authentication", "bad_password"), ("MFA", "bad_code")],
                    otherwise: "bad_credentials")),
            FieldRule(
                [.equals("eventName", "CheckMfa"), .contains("responseElements.CheckMfa", "Fail")], .loginFailure, reason: .code("bad_code")
            ),
            FieldRule(
                [.contains("errorCode", "AccessDenied", "UnauthorizedOperation", "NotAuthorized")], .authorizationFailure,
                reason: .code("access_denied")),
            FieldRule([.has("errorCode")], .skipped("a call that failed for other reasons")),
            FieldRule([.equals("eventName", "CreateUser")], .done(.userCreated), isPrivileged: true),
            FieldRule([.equals("eventName", "DeleteUser")], .done(.userDeleted), isPrivileged: true),
            FieldRule(
                [.equals("eventName", "UpdateUser", "DeactivateMFADevice", "EnableMFADevice")], .done(.userUpdated), isPrivileged: true),
            FieldRule(
                [.equals("eventName", "ChangePassword", "CreateLoginProfile", "UpdateLoginProfile", "PasswordRecoveryCompleted")],
                .done(.passwordChange)),
            FieldRule([.equals("eventName", "CreateAccessKey")], .done(.tokenCreated)),
            FieldRule([.equals("eventName", "DeleteAccessKey")], .done(.tokenDeleted)),
            FieldRule(
                [
                    .equals(
                        "eventName", "AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy", "PutUserPolicy", "PutGroupPolicy",
                        "PutRolePolicy", "AddUserToGroup", "CreatePolicyVersion", "SetDefaultPolicyVersion", "UpdateAssumeRolePolicy",
                        "DetachUserPolicy", "DetachRolePolicy")
                ], .event(.authorizationChange, .success, .low), isPrivileged: true),
            FieldRule(
                [.equals("eventName", "StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors")],
                .event(.administration, .success, .high), reason: .code("audit_trail_changed"), isPrivileged: true),
            FieldRule([.equals("eventName", "SwitchRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")], .done(.sessionCreated)),
        ], otherwise: .skipped("a call without security relevance"))

    /// Okta's system log: lines, or the arrays that its interface gives.
    static let okta = FieldTable(
        service: "okta", marks: [.has("eventType"), .has("published"), .has("outcome.result")], time: ["published"],
        actor: ["actor.alternateId", "actor.displayName"], actorID: ["actor.id"], client: ["client.ipAddress"],
        userAgent: ["client.userAgent.rawUserAgent"], path: ["debugContext.debugData.requestUri"], target: ["target.0.alternateId"],
        requestID: ["transaction.id"], noNames: ["unknown", "system@okta.com"],
        details: [
            ("event_type", "eventType"), ("result", "outcome.result"), ("outcome_reason", "outcome.reason"),
            ("country", "client.geographicalContext.country"), ("is_proxy", "securityContext.isProxy"), ("event_id", "uuid"),
        ],
        rules: [
            FieldRule(
                [
                    .equals("eventType", "user.session.start", "user.authentication.auth", "user.authentication.authenticate"),
                    .equals("outcome.result", "FAILURE", "DENY"), .contains("outcome.reason", "LOCKED_OUT"),
                ], .loginLocked, reason: .code("locked")),
            FieldRule(
                [
                    .equals("eventType", "user.session.start", "user.authentication.auth", "user.authentication.authenticate"),
                    .equals("outcome.result", "FAILURE", "DENY"),
                ], .loginFailure, reason: oktaReason),
            FieldRule([.equals("eventType", "user.session.start"), .equals("outcome.result", "SUCCESS")], .loginSuccess),
            FieldRule(
                [.equals("eventType", "user.mfa.okta_verify.deny_push")], .loginFailure, reason: .code("mfa_denied"),
                note: ("factor", "second")),
            FieldRule(
                [
                    .starts("eventType", "user.authentication.auth_via_mfa", "user.authentication.verify"),
                    .equals("outcome.result", "FAILURE", "DENY"),
                ], .loginFailure,
                reason: .found(
                    ["outcome.reason"], [("reject", "mfa_denied"), ("REJECT", "mfa_denied"), ("deni", "mfa_denied")], otherwise: "bad_code"),
                note: ("factor", "second")),
            FieldRule(
                [.starts("eventType", "user.authentication.auth_via_mfa"), .equals("outcome.result", "SUCCESS")], .loginSuccess,
                note: ("factor", "second")),
            FieldRule(
                [
                    .starts("eventType", "user.authentication.auth_via_", "user.authentication.sso"),
                    .equals("outcome.result", "FAILURE", "DENY"),
                ], .loginFailure, reason: oktaReason),
            FieldRule([.equals("eventType", "user.account.lock", "user.account.lock.limit")], .loginLocked, reason: .code("locked")),
            FieldRule([.equals("eventType", "user.session.end")], .done(.sessionEnded)),
            FieldRule(
                [
                    .equals("eventType", "user.account.update_password", "user.account.reset_password"),
                    .equals("outcome.result", "SUCCESS"),
                ], .done(.passwordChange)),
            FieldRule(
                [.equals("eventType", "user.account.update_password", "user.account.reset_password")],
                .event(.passwordChangeFailure, .failure, .low)),
            FieldRule(
                [.starts("eventType", "user.account.privilege.", "group.privilege."), .equals("outcome.result", "SUCCESS")],
                .event(.authorizationChange, .success, .medium), isPrivileged: true),
            FieldRule(
                [
                    .equals("eventType", "group.user_membership.add", "application.user_membership.add"),
                    .equals("outcome.result", "SUCCESS"),
                ], .event(.authorizationChange, .success, .informational)),
            FieldRule(
                [.equals("eventType", "user.lifecycle.create"), .equals("outcome.result", "SUCCESS")], .done(.userCreated),
                isPrivileged: true),
            FieldRule(
                [.starts("eventType", "user.lifecycle.delete"), .equals("outcome.result", "SUCCESS")], .done(.userDeleted),
                isPrivileged: true),
            FieldRule([.equals("eventType", "system.api_token.create")], .done(.tokenCreated), isPrivileged: true),
            FieldRule([.equals("eventType", "system.api_token.revoke")], .done(.tokenRevoked), isPrivileged: true),
            FieldRule(
                [.equals("eventType", "app.generic.unauth_app_access_attempt")], .authorizationFailure, reason: .code("access_denied")),
            FieldRule(
                [.equals("eventType", "policy.evaluate_sign_on"), .equals("outcome.result", "DENY")], .authorizationFailure,
                reason: .code("policy")),
            FieldRule([.equals("eventType", "user.session.access_admin_app")], .event(.administration, .success, .low), isPrivileged: true),
            FieldRule(
                [.equals("eventType", "system.org.rate_limit.violation", "core.concurrency.org.limit.violation")],
                .event(.rateLimitExceeded, .denied, .low)),
            FieldRule(
                [.starts("eventType", "security.threat.")], .event(.maliciousExtraneous, .denied, .medium), reason: .code("threat_detected")
            ),
        ])

    private static let oktaReason = FieldRule.Reason.found(
        ["outcome.reason"],
        [
            ("INVALID_CREDENTIALS", "bad_password"), ("UNKNOWN_USER", "unknown_account"), ("VERIFICATION_ERROR", "unknown_account"),
            ("PASSWORD_EXPIRED", "expired"),
        ],
        otherwise: "refused")

    /// HashiCorp Vault's audit log. Every request has two lines; the response tells how it ended. Values are HMACs.
    static let vault = FieldTable(
        service: "vault", marks: [.has("request.path"), .has("request.operation"), .has("time"), .equals("type", "request", "response")],
        time: ["time"],
        actor: ["auth.metadata.username", "response.auth.metadata.username", "auth.display_name", "response.auth.display_name"],
        actorID: ["auth.entity_id"], client: ["request.remote_address"], port: ["request.remote_port"], path: ["request.path"],
        requestID: ["request.id"],
        details: [("operation", "request.operation"), ("mount_type", "request.mount_type"), ("namespace", "request.namespace.path")],
        rules: [
            FieldRule([.equals("type", "request")], .skipped("a request whose response tells how it ended")),
            FieldRule(
                [.starts("request.path", "auth/"), .contains("request.path", "/login"), .has("error")], .loginFailure, reason: vaultReason,
                actor: vaultName),
            FieldRule(
                [.starts("request.path", "auth/"), .contains("request.path", "/login"), .has("response.data.error")], .loginFailure,
                reason: .code("bad_credentials"), actor: vaultName),
            FieldRule(
                [.starts("request.path", "auth/"), .contains("request.path", "/login"), .has("response.auth")], .loginSuccess,
                actor: vaultName),
            FieldRule(
                [.starts("request.path", "auth/"), .contains("request.path", "/login"), .has("auth.accessor")], .loginSuccess,
                actor: vaultName),
            FieldRule(
                [.starts("request.path", "auth/"), .contains("request.path", "/login")], .loginFailure, reason: .code("bad_credentials"),
                actor: vaultName),
            FieldRule(
                [.contains("error", "invalid token", "bad token", "missing client token")], .event(.tokenRejected, .failure, .low),
                reason: .code("invalid_token")),
            FieldRule([.contains("error", "permission denied")], .authorizationFailure, reason: .code("permission_denied")),
            FieldRule([.contains("error", "rate limit")], .event(.rateLimitExceeded, .denied, .low)),
            FieldRule([.has("error")], .skipped("a request that failed for other reasons")),
            FieldRule([.starts("request.path", "auth/token/create")], .done(.tokenCreated)),
            FieldRule([.starts("request.path", "auth/token/revoke")], .done(.tokenRevoked)),
            FieldRule(
                [.starts("request.path", "sys/audit"), .equals("request.operation", "delete", "update", "create")],
                .event(.administration, .success, .high), reason: .code("audit_trail_changed"), isPrivileged: true),
            FieldRule(
                [.starts("request.path", "sys/polic"), .equals("request.operation", "delete", "update", "create")],
                .event(.authorizationChange, .success, .low), isPrivileged: true),
            FieldRule(
                [
                    .starts("request.path", "sys/auth", "sys/seal", "sys/rekey", "sys/generate-root", "sys/mounts"),
                    .equals("request.operation", "delete", "update", "create"),
                ], .event(.administration, .success, .low), isPrivileged: true),
        ], otherwise: .skipped("a request without security relevance"))

    private static let vaultName: [FieldRule.Part] = [.init(path: "request.path", after: "/login/", before: "")]
    private static let vaultReason = FieldRule.Reason.found(
        ["error"],
        [
            ("permission denied", "permission_denied"), ("invalid username or password", "bad_password"),
            ("invalid role", "unknown_account"),
        ],
        otherwise: "bad_credentials")
}
