public import AuditEvents

/// What the service that issued an opaque token says of it (RFC 7662 §2.2), judged.
public enum IntrospectedToken: Sendable {
    case active(Active)
    /// Not, or no more, good; or not for us, or nothing that names anybody.
    case inactive(TokenRejection.Reason)

    public struct Active: Sendable {
        public var principal: Principal
        public var issuer: String?
        /// The token's `jti`.
        public var id: String?
        public var expires: Timestamp?
        public var binding: VerifiedToken.Binding
    }

    /// - Returns: nil where the answer is not what RFC 7662 says: then nothing is known of the token.
    init?(_ json: JSONObject, rules: TokenIntrospection.Configuration, now: Timestamp) {
        guard case .bool(let isActive) = json["active"] else { return nil }
        guard isActive else {
            self = .inactive(.inactive)
            return
        }
        func text(_ name: String) -> String?? {
            switch json[name] {
            case .none: .some(nil)
            case .string(let text): text
            default: nil
            }
        }
        func date(_ name: String) -> Timestamp?? {
            guard let value = json[name] else { return .some(nil) }
            guard let date = Timestamp(numericDate: value) else { return nil }
            return date
        }
        guard let subject = text("sub"), let client = text("client_id"), let name = text("username"), let scope = text("scope"),
            let issuer = text("iss"), let id = text("jti"), let session = text("sid"), let expires = date("exp"), let start = date("nbf")
        else { return nil }
        if let expires, now >= expires {
            self = .inactive(.expired)
            return
        }
        if let start, now < start.advanced(bySeconds: -rules.leewaySeconds) {
            self = .inactive(.notYetValid)
            return
        }
        if let wanted = rules.issuer, !KeySet.isSame(issuer, wanted) {
            self = .inactive(.wrongIssuer)
            return
        }
        if let wanted = rules.audience {
            let audience = json["aud"]?.array?.compactMap(\.string) ?? json["aud"]?.string.map { [$0] } ?? []
            guard audience.contains(where: { KeySet.isSame($0, wanted) }) else {
                self = .inactive(.wrongAudience)
                return
            }
        }
        guard let who = subject ?? name ?? client, !who.isEmpty else {
            self = .inactive(.missingClaim)
            return
        }
        let principal = Principal(
            id: who, name: name, kind: subject == nil && name == nil ? .service : .user,
            roles: Set((json["roles"]?.array ?? []).compactMap(\.string)),
            scopes: Set((scope ?? "").split(separator: " ").map(String.init)), sessionID: session)
        // A `token_type` of DPoP without `cnf` is bound to something, and not said to what.
        let isDPoP = json["token_type"]?.string?.lowercased() == "dpop"
        let binding = VerifiedToken.Binding(confirmation: json["cnf"])
        self = .active(
            Active(principal: principal, issuer: issuer, id: id, expires: expires, binding: binding == .none && isDPoP ? .other : binding))
    }
}
