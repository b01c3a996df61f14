/// A configuration of a hardening layer that cannot hold, found when the layer is made and not by the first request.
public struct HardeningError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Neither a host name, an IPv6 literal in brackets, `*.` before a name, nor `*`.
        public static let invalidHost = Code(rawValue: "invalid_host")
        /// A value that no header field can have.
        public static let invalidHeaderValue = Code(rawValue: "invalid_header_value")
        /// A number outside of what makes sense.
        public static let outOfRange = Code(rawValue: "out_of_range")
        /// Preloading needs a year and all subdomains (hstspreload.org).
        public static let preloadTooWeak = Code(rawValue: "preload_too_weak")
        /// No origin at all: then there is no need of CORS.
        public static let noOrigin = Code(rawValue: "no_origin")
        /// Not what a browser sends as `Origin`: a path, a default port, upper case, `null`, or a wildcard that spans a top-level domain.
        public static let invalidOrigin = Code(rawValue: "invalid_origin")
        /// `*` beside other values, which it makes pointless.
        public static let valuesBesideWildcard = Code(rawValue: "values_beside_wildcard")
        /// `*` with credentials or private network access: it would open the API to every site that a user visits.
        public static let wildcardTooOpen = Code(rawValue: "wildcard_too_open")
        /// An `http` origin with credentials or private network access: whoever is on its network would speak in its name.
        public static let insecureOrigin = Code(rawValue: "insecure_origin")
        /// Not a token, or a method that no script may use.
        public static let invalidMethod = Code(rawValue: "invalid_method")
        /// Not a token, or a header field that no script may set or read.
        public static let invalidHeader = Code(rawValue: "invalid_header")
    }

    public let code: Code
    /// The value that does not hold.
    public let value: String

    init(_ code: Code, _ value: some CustomStringConvertible) { (self.code, self.value) = (code, value.description) }

    public var description: String { "\(code.rawValue): \(value)" }
}
