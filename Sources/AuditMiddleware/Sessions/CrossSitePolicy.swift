import AuditEvents
import HTTPTypes

/// Whether a request that changes something was made by a page of one's own: the decision, without I/O.
struct CrossSitePolicy: Sendable {
    enum Verdict: Sendable, Hashable {
        case own
        case foreign(reason: String)
        /// The browser did not say: a token must.
        case undecided(reason: String)
    }

    /// Whether pages of sibling hosts (`same-site`) count as one's own.
    var acceptsSameSite: Bool
    /// Origins whose pages count as one's own, beside those of the request's host.
    var origins: Set<SiteOrigin>
    /// Whether pages over plain HTTP count: for development.
    var acceptsPlainHTTP: Bool

    /// Methods that change nothing (RFC 9110 §9.2.1).
    static func isSafe(_ method: HTTPRequest.Method) -> Bool { [.get, .head, .options, .trace].contains(method) }

    /// Judges by `Sec-Fetch-Site` (Fetch Metadata), else `Origin`, else `Referer`; a field that comes twice is foreign.
    func judge(_ headers: HTTPFields, host: String?) -> Verdict {
        var (site, origin, referer): (String?, String?, String?) = (nil, nil, nil)
        for field in headers {
            switch field.name {
            case .secFetchSite: if site.replace(field.value) { return .foreign(reason: "repeated_header") }
            case .origin: if origin.replace(field.value) { return .foreign(reason: "repeated_header") }
            case .referer: if referer.replace(field.value) { return .foreign(reason: "repeated_header") }
            default: break
            }
        }
        let claimed = origin.flatMap { SiteOrigin($0) }
        if let site {
            switch site {
            case "same-origin", "none": return .own
            case "same-site" where acceptsSameSite: return .own
            case "same-site", "cross-site":
                return claimed.map(origins.contains) == true ? .own : .foreign(reason: site == "same-site" ? "same_site" : "cross_site")
            default: return .foreign(reason: "malformed_fetch_site")
            }
        }
        if let origin {
            if origin == "null" { return .undecided(reason: "null_origin") }
            guard let claimed else { return .foreign(reason: "malformed_origin") }
            return isOwn(claimed, host) ? .own : .foreign(reason: "foreign_origin")
        }
        if let referer {
            guard let claimed = SiteOrigin(ofURL: referer) else { return .undecided(reason: "malformed_referer") }
            return isOwn(claimed, host) ? .own : .foreign(reason: "foreign_referer")
        }
        return .undecided(reason: "no_origin")
    }

    private func isOwn(_ origin: SiteOrigin, _ host: String?) -> Bool {
        if origins.contains(origin) { return true }
        guard origin.scheme == "https" || acceptsPlainHTTP, let host, let own = SiteOrigin(scheme: origin.scheme, host: host) else {
            return false
        }
        return own == origin
    }
}

extension String? {
    /// Takes a value over; true where there was one already.
    fileprivate mutating func replace(_ value: String) -> Bool {
        defer { self = value }
        return self != nil
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .userAgent
    static let csrfToken = HTTPField.Name("X-CSRF-Token") ?? .userAgent
}
