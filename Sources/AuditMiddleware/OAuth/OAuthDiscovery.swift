import AuditEvents
import HTTPTypes
import Synchronization

/// The endpoints of discovered providers, kept for an hour; a failed attempt is not repeated for some seconds.
final class OAuthDiscovery: Sendable {
    private struct Entry {
        var endpoints: OAuthEndpoints?
        var fetched: Timestamp
    }

    private let http: any OutboundHTTP
    private let now: @Sendable () -> Timestamp
    private let entries = Mutex<[String: Entry]>([:])

    init(http: any OutboundHTTP, now: @escaping @Sendable () -> Timestamp) { (self.http, self.now) = (http, now) }

    func endpoints(of provider: OAuthProvider) async throws(OAuthFailure) -> OAuthEndpoints {
        if case .fixed(let endpoints) = provider.endpoints { return endpoints }
        let now = now()
        let known = entries.withLock { $0[provider.name] }
        if let known {
            let age = now.microseconds(since: known.fetched)
            if let endpoints = known.endpoints, age < 3_600_000_000 { return endpoints }
            if known.endpoints == nil, age < 5_000_000 { throw .providerUnavailable }
        }
        let fetched = await fetch(provider)
        // The last good document serves on while the provider's is away.
        let endpoints = fetched ?? known?.endpoints
        entries.withLock { $0[provider.name] = Entry(endpoints: endpoints, fetched: now) }
        guard let endpoints else { throw .providerUnavailable }
        return endpoints
    }

    private func fetch(_ provider: OAuthProvider) async -> OAuthEndpoints? {
        guard let issuer = provider.issuer else { return nil }
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let request = OutboundRequest(
            url: base + "/.well-known/openid-configuration", headers: [.accept: "application/json"], maximumBytes: 128 * 1024)
        guard let response = try? await http.send(request), response.status == 200,
            let document = (try? JSONValue(parsing: response.body, maximumDepth: 16))?.object,
            // Discovery §4.3: another issuer's document must not be taken for this one's.
            let named = document["issuer"]?.string, named.utf8.elementsEqual(issuer.utf8),
            let authorization = document["authorization_endpoint"]?.string, let token = document["token_endpoint"]?.string,
            let keys = document["jwks_uri"]?.string
        else { return nil }
        var endpoints = OAuthEndpoints(
            authorization: authorization, token: token, user: document["userinfo_endpoint"]?.string, keys: keys)
        endpoints.sendsIssuer = document["authorization_response_iss_parameter_supported"] == .bool(true)
        return endpoints.areAcceptable ? endpoints : nil
    }
}
