import AuditEvents

/// What an event is in OCSF: its class and its activity. A function of the type and, where it is known, of the rest.
struct OCSFMeaning {
    var ocsfClass: OCSFClass
    var activity: OCSFClass.Activity

    init(_ ocsfClass: OCSFClass, _ activity: OCSFClass.Activity) { (self.ocsfClass, self.activity) = (ocsfClass, activity) }
    private init(_ ocsfClass: OCSFClass, _ activity: Int64) { self.init(ocsfClass, .init(activity)) }

    init(_ event: AuditEvent) {
        let type = event.header.type
        self = OCSFMeaning.known[type] ?? OCSFMeaning.depending(event) ?? OCSFMeaning.byPrefix(event)
    }

    private static let known: [EventType: OCSFMeaning] = [
        .loginSuccess: .init(.authentication, 1), .loginSuccessAfterFailure: .init(.authentication, 1),
        .loginFailure: .init(.authentication, 1), .loginFailureMaximum: .init(.authentication, 1),
        .impossibleTravel: .init(.authentication, 1), .authenticationUnavailable: .init(.authentication, 1),
        .authenticationAborted: .init(.authentication, 6), EventType("authn_second_factor_required"): .init(.authentication, 6),
        .tokenCreated: .init(.authentication, 3),
        // What the schema has no number for keeps its own name: a refused token is no sign-in, and a session no second one.
        .tokenRevoked: .init(.authentication, .other("Token Revoked")), .tokenDeleted: .init(.authentication, .other("Token Deleted")),
        .tokenReuse: .init(.authentication, .other("Token Reused")), .tokenRejected: .init(.authentication, .other("Token Rejected")),
        .sessionCreated: .init(.authentication, .other("Session Created")),
        .sessionExpired: .init(.authentication, 2), .sessionEnded: .init(.authentication, 2),
        .sessionUseAfterExpire: .init(.authentication, .other("Session Used After Its End")),

        .loginLocked: .init(.accountChange, 9), .passwordChange: .init(.accountChange, 3),
        .passwordChangeFailure: .init(.accountChange, 3), .userCreated: .init(.accountChange, 1), .userDeleted: .init(.accountChange, 6),

        .systemStartup: .init(.applicationLifecycle, 3), .systemShutdown: .init(.applicationLifecycle, 4),
        EventType("sys_restart"): .init(.applicationLifecycle, 5), .systemCrash: .init(.applicationLifecycle, .other("Crash")),
        .auditHeartbeat: .init(.applicationLifecycle, .other("Heartbeat")), .auditMigrated: .init(.applicationLifecycle, 8),

        EventType("sensitive_create"): .init(.apiActivity, 1), EventType("sensitive_read"): .init(.apiActivity, 2),
        EventType("sensitive_update"): .init(.apiActivity, 3), EventType("sensitive_delete"): .init(.apiActivity, 4),
        .auditImport: .init(.apiActivity, 1), .auditProjectionRebuilt: .init(.apiActivity, 3),
    ]

    /// The types whose activity stands elsewhere in the event.
    private static func depending(_ event: AuditEvent) -> OCSFMeaning? {
        let header = event.header
        switch header.type {
        case .httpRequest, .rateLimitExceeded, .inputValidationFailure, .malicious404, .maliciousExtraneous, .maliciousAttackTool,
            .maliciousCORS, .maliciousDirectReference:
            return .init(.httpActivity, httpActivity(header.method))
        case .authorizationSuccess, .authorizationFailure, .administration: return .init(.apiActivity, operation(header.method))
        case .authorizationChange: return .init(.userAccess, rolesChange(event.body.details))
        case .sessionRenewed:
            return header.reason == "privilege_change" ? .init(.authorizeSession, 1) : .init(.authentication, 5)
        case .userUpdated:
            switch event.body.details["change"]?.string {
            case "enabled": return .init(.accountChange, 2)
            case "disabled": return .init(.accountChange, 5)
            case "second_factor_added": return .init(.accountChange, 10)
            case "second_factor_removed": return .init(.accountChange, 11)
            default: return .init(.accountChange, .other("Update"))
            }
        default: return nil
        }
    }

    private static func byPrefix(_ event: AuditEvent) -> OCSFMeaning {
        let header = event.header
        let name = header.type.rawValue
        let other = OCSFClass.Activity.other(name)
        switch name.prefix(while: { $0 != "_" }) {
        case "authn", "session": return .init(.authentication, other)
        case "user": return .init(.accountChange, other)
        case "sys": return .init(.applicationLifecycle, other)
        case "audit": return .init(.apiActivity, ownAct(name))
        case "authz", "sensitive", "privilege", "sequence": return .init(.apiActivity, other)
        case "excess", "input", "malicious", "upload", "http":
            return header.method == nil && header.status == nil
                ? .init(.apiActivity, other) : .init(.httpActivity, httpActivity(header.method))
        default: return .init(.base, other)
        }
    }

    /// Cardea's own acts by how their names end.
    private static func ownAct(_ name: String) -> OCSFClass.Activity {
        switch name.split(separator: "_").last {
        case "created", "made", "placed": .init(1)
        case "fetched", "read", "queried", "verified", "viewed": .init(2)
        case "erased", "deleted", "dropped", "expired": .init(4)
        case "enabled", "disabled", "acknowledged", "assigned", "resolved", "reopened", "merged", "changed", "rebuilt", "positive": .init(3)
        default: .other(name)
        }
    }

    static func httpActivity(_ method: String?) -> OCSFClass.Activity {
        switch method {
        case nil: .unknown
        case "CONNECT": .init(1)
        case "DELETE": .init(2)
        case "GET": .init(3)
        case "HEAD": .init(4)
        case "OPTIONS": .init(5)
        case "POST": .init(6)
        case "PUT": .init(7)
        case "TRACE": .init(8)
        case "PATCH": .init(9)
        default: .other("Other Method")
        }
    }

    private static func operation(_ method: String?) -> OCSFClass.Activity {
        switch method {
        case nil: .unknown
        case "POST": .init(1)
        case "GET", "HEAD": .init(2)
        case "PUT", "PATCH": .init(3)
        case "DELETE": .init(4)
        case let method?: .other(method)
        }
    }

    private static func rolesChange(_ details: JSONObject) -> OCSFClass.Activity {
        guard let now = details.strings("roles"), let before = details.strings("former_roles") else { return .unknown }
        let (new, old) = (Set(now), Set(before))
        return new.isStrictSuperset(of: old) ? .init(1) : new.isStrictSubset(of: old) ? .init(2) : .other("Change Privileges")
    }
}

extension JSONObject {
    /// The texts of the array under `key`; nil where there is none.
    func strings(_ key: String) -> [String]? { self[key]?.array?.compactMap(\.string) }
}
