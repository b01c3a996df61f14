import HTTPTypes

/// The values of ``SecurityHeaders``; nil leaves a field out.
public struct SecurityHeaderOptions: Sendable {
    /// `Strict-Transport-Security` (RFC 6797).
    public struct TransportSecurity: Sendable {
        public var maxAgeSeconds: Int
        public var includesSubdomains: Bool
        public var preload: Bool

        public init(maxAgeSeconds: Int = 31_536_000, includesSubdomains: Bool = true, preload: Bool = false) {
            self.maxAgeSeconds = maxAgeSeconds
            self.includesSubdomains = includesSubdomains
            self.preload = preload
        }

        func value() throws(HardeningError) -> String {
            guard maxAgeSeconds >= 0 else { throw HardeningError(.outOfRange, maxAgeSeconds) }
            guard !preload || (includesSubdomains && maxAgeSeconds >= 31_536_000) else {
                throw HardeningError(.preloadTooWeak, "max-age=\(maxAgeSeconds)")
            }
            return "max-age=\(maxAgeSeconds)" + (includesSubdomains ? "; includeSubDomains" : "") + (preload ? "; preload" : "")
        }
    }

    /// For an API that serves no pages. A documentation page sets its own.
    public var contentSecurityPolicy: String? = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    public var referrerPolicy: String? = "no-referrer"
    public var frameOptions: String? = "DENY"
    public var crossOriginOpenerPolicy: String? = "same-origin"
    /// Keeps other sites from embedding responses. Requests by CORS are not touched by it.
    public var crossOriginResourcePolicy: String? = "same-origin"
    public var permissionsPolicy: String? =
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"
    /// For responses that do not say themselves whether they may be cached; `no-store` suits an API of personal data.
    public var cacheControl: String?
    /// Sent only with what came over TLS.
    public var transportSecurity: TransportSecurity? = TransportSecurity()
    /// By whose word a request came over TLS.
    public var scheme: SchemeTrust = .connection

    public init() {}

    func fields() throws(HardeningError) -> [HTTPField] {
        let values: [(String, String?)] = [
            ("Content-Security-Policy", contentSecurityPolicy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", referrerPolicy),
            ("X-Frame-Options", frameOptions), ("Cross-Origin-Opener-Policy", crossOriginOpenerPolicy),
            ("Cross-Origin-Resource-Policy", crossOriginResourcePolicy), ("Permissions-Policy", permissionsPolicy),
            ("Cache-Control", cacheControl), ("Origin-Agent-Cluster", "?1"),
            // The filter of old browsers was itself a hole.
            ("X-XSS-Protection", "0"), ("X-DNS-Prefetch-Control", "off"), ("X-Download-Options", "noopen"),
            ("X-Permitted-Cross-Domain-Policies", "none"),
        ]
        var fields: [HTTPField] = []
        for (name, value) in values {
            if let value { fields.append(try SecurityHeaderOptions.field(name, value)) }
        }
        return fields
    }

    static func field(_ name: String, _ value: String) throws(HardeningError) -> HTTPField {
        guard let name = HTTPField.Name(name), !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw HardeningError(.invalidHeaderValue, value)
        }
        return HTTPField(name: name, value: value)
    }
}
