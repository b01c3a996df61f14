public import AsyncHTTPClient
import HTTPTypes
import NIOCore
import NIOHTTP1

/// `OutboundHTTP` by AsyncHTTPClient, with TLS verified against the system's authorities.
public struct OutboundClient: OutboundHTTP {
    private let client: HTTPClient

    /// - Parameter client: whose life is the caller's care. It must not follow redirects; `OutboundClient.configuration` does not.
    public init(_ client: HTTPClient) { self.client = client }

    /// A client's configuration in which nothing is followed, decompressed or kept longer than needed.
    public static var configuration: HTTPClient.Configuration {
        HTTPClient.Configuration(redirectConfiguration: .disallow, timeout: .init(connect: .seconds(3)), decompression: .disabled)
    }

    public func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundResponse {
        guard OutboundURL.isAcceptable(request.url) else { throw .refusedURL }
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        for field in request.headers { outgoing.headers.add(name: field.name.rawName, value: field.value) }
        if !request.body.isEmpty { outgoing.body = .bytes(request.body) }
        do {
            let response = try await client.execute(outgoing, timeout: .milliseconds(request.timeoutMilliseconds))
            let body = try await response.body.collect(upTo: request.maximumBytes)
            var headers = HTTPFields()
            for (name, value) in response.headers {
                if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
            }
            return OutboundResponse(status: Int(response.status.code), headers: headers, body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw .tooLarge
        } catch {
            throw .failed(kind: String(describing: type(of: error)))
        }
    }
}

/// Which URLs are asked at all.
enum OutboundURL {
    /// Whether `url` is `https`, or `http` to 127.0.0.1, [::1] or localhost; without user information, space or control characters.
    static func isAcceptable(_ url: String) -> Bool {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else { return false }
        let isPlain = url.hasPrefix("http://")
        guard isPlain || url.hasPrefix("https://") else { return false }
        let authority = url.dropFirst(isPlain ? 7 : 8).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return false }
        guard isPlain else { return true }
        return ["127.0.0.1", "[::1]", "localhost"].contains { authority == $0 || authority.hasPrefix("\($0):") }
    }
}
