import AuditEvents

/// Every type of event in every shape that the mapping tells apart.
enum OCSFSamples {
    static let types: [EventType] =
        [
            .loginSuccess, .loginSuccessAfterFailure, .loginFailure, .loginFailureMaximum, .loginLocked, .passwordChange,
            .passwordChangeFailure, .impossibleTravel, .tokenCreated, .tokenRevoked, .tokenReuse, .tokenDeleted, .tokenRejected,
            .authenticationUnavailable, .authenticationAborted, .authorizationSuccess, .authorizationFailure, .authorizationChange,
            .administration, .rateLimitExceeded, .inputValidationFailure, .malicious404, .maliciousExtraneous, .maliciousAttackTool,
            .maliciousCORS, .maliciousDirectReference, .sessionCreated, .sessionRenewed, .sessionExpired, .sessionUseAfterExpire,
            .sessionEnded, .systemStartup, .systemShutdown, .systemCrash, .userCreated, .userUpdated, .userDeleted, .httpRequest,
            .auditImport, .auditMigrated, .auditHeartbeat, .auditProjectionRebuilt,
        ]
        + [
            // Beyond the constants: what else Cardea and OWASP's vocabulary have, and what no one has.
            "authn_second_factor_required", "authn_something", "authz_something", "session_something", "user_something", "sys_restart",
            "sys_monitor_disabled", "sensitive_create", "sensitive_read", "sensitive_update", "sensitive_delete", "sequence_fail",
            "upload_complete", "privilege_permissions_changed", "input_something", "audit_alert_acknowledged", "audit_alert_assigned",
            "audit_alert_resolved", "audit_alert_false_positive", "audit_alert_reopened", "audit_alert_noted", "audit_alert_merged",
            "audit_alert_silence_created", "audit_alert_silence_expired", "audit_delivery_dead", "audit_delivery_replayed",
            "audit_event_quarantined", "audit_receiver_disabled", "audit_receiver_enabled", "audit_rule_disabled", "audit_rule_enabled",
            "audit_verified", "audit_verification_failed", "audit_export_made", "audit_export_fetched", "audit_review_attested",
            "audit_subject_erased", "audit_erasure_refused", "audit_hold_placed", "audit_hold_released", "audit_", "audit", "unheard_of",
            "x",
            "_", "ünïcode_тип",
        ].map { EventType($0) }

    static let time = Timestamp("2026-11-24T01:02:03.456789Z") ?? .epoch

    static func event(_ type: EventType, _ outcome: Outcome, body: EventBody) -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: EventID(time: time, entropy: 7), tenant: "acme", source: "shop", type: type, outcome: outcome, actorKind: .user),
            body: body)
    }

    static let bodies: [EventBody] = {
        let hostile = "\u{0}'\"<script>&\u{202e}=cmd|' /C calc'!A0\r\n"
        let full = EventBody(
            actor: .init(id: "7", name: "ann"), client: .init(ip: "203.0.113.7", port: 51234, userAgent: "curl/8.5"), session: "fp_5d0c",
            token: .init(fingerprint: "fp_91ab", issuer: "https://example", keyID: "k1", jti: "fp_11"), target: "8", requestID: "8f14",
            traceID: "0af7651916cd43dd8448eb211c80319c", spanID: "b7ad6b7169203331", path: "/users/8?a=b&c", service: "nginx",
            details: [
                "factor": "password+totp", "roles": ["admin", "user"], "former_roles": ["user"], "username": "bob", "change": "disabled",
                "failures": 3, "nested": ["deep": [1, 2.5, .null, true]],
            ])
        return [
            EventBody(), full, EventBody(actor: .init(id: "7")), EventBody(actor: .init(name: "ann")), EventBody(actor: .init()),
            EventBody(client: .init(ip: "2001:db8::1")), EventBody(client: .init(ip: "::ffff:192.0.2.1", port: 0)),
            EventBody(client: .init(ip: "2001:0db8:0000:0000:0000:ffff:192.168.100.200", userAgent: "")),
            EventBody(client: .init(ip: "10.0.0.0/8", userAgent: "x")), EventBody(client: .init(port: 9)),
            EventBody(target: "t", path: "", details: ["factor": "oauth:google", "roles": "not an array", "username": 7]),
            EventBody(path: "?", details: ["roles": [1, "a", ["b"]], "former_roles": [], "factor": "++"]),
            EventBody(
                actor: .init(id: hostile, name: hostile), client: .init(ip: hostile, userAgent: hostile), session: hostile, target: hostile,
                requestID: hostile, path: hostile, service: hostile, details: [hostile: .string(hostile), "factor": .string(hostile)]),
        ]
    }()

    /// The type with every outcome, kind of actor, method and body; what goes together need not be crossed with everything else.
    static func events(of type: EventType) -> [AuditEvent] {
        let methods = [nil, "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "_OTHER"]
        var events: [AuditEvent] = []
        for outcome in Outcome.allCases {
            for (number, body) in bodies.enumerated() {
                var event = event(type, outcome, body: body)
                event.header.actorKind = ActorKind.allCases[number % ActorKind.allCases.count]
                event.header.severity = Severity.allCases[(number + events.count) % Severity.allCases.count]
                events.append(event)
                event.header.privileged = true
                event.header.sensitivity = .restricted
                event.header.method = methods[number % methods.count]
                event.header.route = "/users/{id}"
                event.header.status = Int16(100 + 37 * number)
                event.header.durationMicroseconds = 1_234_567
                event.header.reason = number.isMultiple(of: 2) ? "bad_password" : "privilege_change"
                events.append(event)
            }
        }
        return events
    }
}
