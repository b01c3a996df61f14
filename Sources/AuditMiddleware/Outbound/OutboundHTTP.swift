public import HTTPTypes

/// Asks other people's servers: key sets, token introspection, identity providers. Tests put their own in its place.
public protocol OutboundHTTP: Sendable {
    /// One exchange, redirects not followed.
    /// - Throws: `OutboundError`.
    func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundResponse
}

/// A request to another server.
public struct OutboundRequest: Sendable {
    public var method: HTTPRequest.Method
    /// An absolute `https` URL; `http` for a loopback address alone.
    public var url: String
    public var headers: HTTPFields
    public var body: [UInt8]
    /// The whole exchange's time, in milliseconds.
    public var timeoutMilliseconds: Int64
    /// The longest body that is read.
    public var maximumBytes: Int

    public init(
        _ method: HTTPRequest.Method = .get, url: String, headers: HTTPFields = [:], body: [UInt8] = [],
        timeoutMilliseconds: Int64 = 5000, maximumBytes: Int = 256 * 1024
    ) {
        (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
        (self.timeoutMilliseconds, self.maximumBytes) = (timeoutMilliseconds, maximumBytes)
    }
}

/// What another server answered, whatever its status.
public struct OutboundResponse: Sendable {
    public var status: Int
    public var headers: HTTPFields
    public var body: [UInt8]

    public init(status: Int, headers: HTTPFields = [:], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }
}

/// Why an exchange with another server failed.
public enum OutboundError: Error, Sendable, Hashable {
    /// Not an absolute URL, or `http` to an address that is not loopback.
    case refusedURL
    /// The body is longer than was asked for.
    case tooLarge
    /// No connection, no answer in time, or one that is no HTTP. `kind` is the underlying error's type.
    case failed(kind: String)
}
