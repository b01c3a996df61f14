import HTTPTypes

/// What pages of other origins may do with an API (Fetch §3.2). A policy that would be useless or too open cannot be made.
public struct CORSPolicy: Sendable {
    enum Refusal: String {
        case origin, method, headers, privateNetwork
    }

    let anyOrigin: Bool
    private let exact: Set<String>
    private let patterns: [OriginPattern]
    private let methods: Set<String>
    /// In lower case; nil for any.
    private let headers: Set<String>?
    let credentials: Bool
    private let privateNetwork: Bool
    let exposed: String?
    /// The fields of every granted preflight but those that depend on the request.
    private let preflightFields: HTTPFields

    /// - Parameters:
    ///   - origins: `https://app.example.com`, `https://*.example.com` (every subdomain), `http://localhost:*` (every port); or `*` alone.
    ///   - methods: in the case in which they are sent; `*` alone for the usual seven.
    ///   - headers: that scripts may set beside the safelisted four; `*` alone for whatever they ask for.
    ///   - exposed: response fields that scripts may read.
    ///   - credentials: whether cookies and HTTP authentication go along.
    ///   - maxAgeSeconds: how long a browser keeps a preflight's answer, up to a day; nil says nothing.
    ///   - privateNetwork: whether pages of the public network may reach this one in a private network.
    ///   - toleratesInsecureOrigins: whether `http` origins may have credentials or private network access.
    /// - Throws: `HardeningError`.
    public init(
        origins: [String], methods: [String] = ["GET"], headers: [String] = [], exposed: [String] = [], credentials: Bool = false,
        maxAgeSeconds: Int? = 600, privateNetwork: Bool = false, toleratesInsecureOrigins: Bool = false
    ) throws {
        anyOrigin = try CORSPolicy.isWildcard(origins)
        guard !origins.isEmpty else { throw HardeningError(.noOrigin, "") }
        if anyOrigin, credentials || privateNetwork { throw HardeningError(.wildcardTooOpen, "origins") }
        let all = anyOrigin ? [] : try origins.map { try OriginPattern($0) }
        for (pattern, text) in zip(all, origins) where pattern.origin.isInsecure && (credentials || privateNetwork) {
            guard toleratesInsecureOrigins else { throw HardeningError(.insecureOrigin, text) }
        }
        exact = Set(zip(all, origins).filter(\.0.isExact).map(\.1))
        patterns = all.filter { !$0.isExact }

        let methods = try CORSPolicy.isWildcard(methods) ? ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] : methods
        for method in methods where !CORSPolicy.isToken(method) || ["CONNECT", "TRACE", "TRACK"].contains(method.uppercased()) {
            throw HardeningError(.invalidMethod, method)
        }
        self.methods = Set(methods)

        let anyHeader = try CORSPolicy.isWildcard(headers)
        if anyHeader, credentials { throw HardeningError(.wildcardTooOpen, "headers") }
        for name in headers where !anyHeader && !CORSPolicy.mayBeSet(name) { throw HardeningError(.invalidHeader, name) }
        let safelisted = ["Accept", "Accept-Language", "Content-Language", "Content-Type"]
        let lowercased = Set(safelisted.map { $0.lowercased() })
        let names = (safelisted + headers.filter { !lowercased.contains($0.lowercased()) }).sorted()
        self.headers = anyHeader ? nil : Set(names.map { $0.lowercased() })

        if try CORSPolicy.isWildcard(exposed), credentials { throw HardeningError(.wildcardTooOpen, "exposed") }
        for name in exposed where !CORSPolicy.isToken(name) || ["set-cookie", "set-cookie2"].contains(name.lowercased()) {
            throw HardeningError(.invalidHeader, name)
        }
        self.exposed = exposed.isEmpty ? nil : exposed.joined(separator: ", ")
        if let maxAgeSeconds, !(0...86_400).contains(maxAgeSeconds) { throw HardeningError(.outOfRange, maxAgeSeconds) }
        self.credentials = credentials
        self.privateNetwork = privateNetwork

        var fields: HTTPFields = [.accessControlAllowMethods: methods.joined(separator: ", ")]
        if !anyHeader { fields[.accessControlAllowHeaders] = names.joined(separator: ", ") }
        if credentials { fields[.accessControlAllowCredentials] = "true" }
        if let maxAgeSeconds { fields[.accessControlMaxAge] = String(maxAgeSeconds) }
        if anyOrigin { fields[.accessControlAllowOrigin] = "*" }
        preflightFields = fields
    }

    /// Whether a page of this origin may read responses. Nothing but ASCII ever matches: `String` folds what looks alike.
    func allows(origin: String) -> Bool {
        if anyOrigin { return true }
        guard origin.utf8.count <= 300, origin.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
        if exact.contains(origin) { return true }
        guard !patterns.isEmpty, let origin = WebOrigin(origin) else { return false }
        return patterns.contains { $0.matches(origin) }
    }

    /// The fields of a preflight's answer, or all that is wrong with it.
    func preflight(origin: String, method: String, headers requested: String?, privateNetwork asked: Bool) -> (HTTPFields, [Refusal]) {
        var refusals: [Refusal] = []
        var fields = preflightFields
        if !allows(origin: origin) { refusals.append(.origin) }
        if !methods.contains(where: { $0.utf8.elementsEqual(method.utf8) }) { refusals.append(.method) }
        let names = requested.map(CORSPolicy.names) ?? []
        if let names, headers.map({ allowed in names.allSatisfy { allowed.contains($0.lowercased()) } }) ?? true {
            if headers == nil, !names.isEmpty { fields[.accessControlAllowHeaders] = names.joined(separator: ", ") }
        } else {
            refusals.append(.headers)
        }
        if asked {
            if privateNetwork { fields[.allowPrivateNetwork] = "true" } else { refusals.append(.privateNetwork) }
        }
        guard refusals.isEmpty else { return ([:], refusals) }
        if !anyOrigin { fields[.accessControlAllowOrigin] = origin }
        return (fields, [])
    }

    /// The names of `Access-Control-Request-Headers`; nil for a list that no browser sends.
    private static func names(_ list: String) -> [String]? {
        guard list.utf8.count <= 4096 else { return nil }
        var names: [String] = []
        for element in list.utf8.split(separator: UInt8(ascii: ","), maxSplits: 256) {
            let name = element.trimmingOptionalSpace
            guard !name.isEmpty else { continue }
            guard names.count < 128, name.allSatisfy(\.isTokenByte) else { return nil }
            names.append(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    private static func isWildcard(_ values: [String]) throws(HardeningError) -> Bool {
        guard values.contains("*") else { return false }
        guard values.count == 1 else { throw HardeningError(.valuesBesideWildcard, values.joined(separator: ", ")) }
        return true
    }

    private static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= 128 && text.utf8.allSatisfy(\.isTokenByte) }

    /// Whether a script may set the field at all (Fetch §2.2.2); allowing one that it may not is a misunderstanding.
    private static func mayBeSet(_ name: String) -> Bool {
        let lower = name.lowercased()
        let forbidden: Set = [
            "accept-charset", "accept-encoding", "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host",
            "keep-alive", "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via",
        ]
        return isToken(name) && !forbidden.contains(lower) && !["sec-", "proxy-", "access-control-"].contains { lower.hasPrefix($0) }
    }
}

extension HTTPField.Name {
    static let allowPrivateNetwork = HTTPField.Name("Access-Control-Allow-Private-Network") ?? .via
    static let requestPrivateNetwork = HTTPField.Name("Access-Control-Request-Private-Network") ?? .via
}
