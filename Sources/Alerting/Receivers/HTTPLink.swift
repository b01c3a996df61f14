import AsyncHTTPClient
import AuditEvents
import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL

/// Connections to one host at an address that its resolver let through. Redirects are not followed.
struct HTTPLink: Sendable {
    private let client: HTTPClient
    private let timeout: TimeAmount

    /// Answers are read this far.
    static let maximumAnswer = 64 << 10

    /// - Parameter authorities: a PEM file of authorities beside the system's.
    init(
        _ target: HTTPTarget, resolver: DestinationResolver, authorities: String?, timeout: Duration = .seconds(15)
    ) async throws(DeliveryAttempt) {
        let addresses = try await resolver.addresses(of: target.host, port: target.port)
        guard let address = addresses.first?.ipAddress else { throw DeliveryAttempt(.unreachable, "\(target.host) has no address") }
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), decompression: .disabled)
        configuration.dnsOverride = [target.host: address]
        configuration.httpVersion = .http1Only
        if let authorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.file(authorities)]
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.timeout = .seconds(timeout.components.seconds)
    }

    func post(_ message: HTTPMessage) async -> DeliveryAttempt {
        var request = HTTPClientRequest(url: message.target.url)
        request.method = .POST
        for (name, value) in message.headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "user-agent", value: "cardea")
        request.body = .bytes(message.body)
        do {
            let response = try await client.execute(request, deadline: .now() + timeout)
            let status = Int(response.status.code)
            let answer = (try? await response.body.collect(upTo: HTTPLink.maximumAnswer)).map {
                String(decoding: $0.readableBytesView, as: UTF8.self)
            }
            let wait = response.headers.first(name: "retry-after").flatMap { RetryAfter.seconds($0, now: .now()) }
            let detail = (200...299).contains(status) ? "" : (300...399).contains(status) ? "redirects are not followed" : answer ?? ""
            return DeliveryAttempt(.status(status, retryAfter: wait), "HTTP \(status)\(detail.isEmpty ? "" : ": \(detail)")")
        } catch {
            return DeliveryAttempt(.unreachable, HTTPLink.reason(error))
        }
    }

    func close() async { try? await client.shutdown() }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout: "no answer in time"
        case let error as HTTPClientError where error == .connectTimeout: "no connection in time"
        case let error as NIOSSLError: "no secure connection: \(error)"
        default: "no answer: \(error)"
        }
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
enum RetryAfter {
    /// Seconds from `now`; nil where it is neither.
    static func seconds(_ value: String, now: Timestamp) -> Int64? {
        if let seconds = Int64(value) { return max(0, seconds) }
        // Only the preferred form of a date: "Sun, 06 Nov 1994 08:49:37 GMT".
        let words = value.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else { return nil }
        let number = month + 1
        guard let time = Timestamp("\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z") else { return nil }
        return max(0, time.microseconds(since: now) / 1_000_000)
    }
}
