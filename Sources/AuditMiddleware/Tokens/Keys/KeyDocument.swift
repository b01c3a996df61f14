import AuditEvents
import HTTPTypes

/// Why nothing came of a fetch: a code for the log, never what the other server wrote.
struct FetchFailure: Error, Hashable {
    var kind: String
}

/// What a key set's URL answered.
struct KeyDocument: Sendable {
    /// The document; nil where it has not changed.
    var bytes: [UInt8]?
    var tag: String?
    /// For how many seconds the answer holds, where it says so.
    var maximumAge: Int64?

    /// - Parameter tag: of the document at hand, which then need not be sent again.
    static func fetch(
        _ url: String, tag: String?, by http: any OutboundHTTP, policy: RemoteKeySource.Policy
    ) async throws(FetchFailure) -> KeyDocument {
        var headers: HTTPFields = [.accept: "application/jwk-set+json, application/json"]
        if let tag { headers[.ifNoneMatch] = tag }
        let response = try await send(url, headers, by: http, policy: policy)
        var document = KeyDocument(
            tag: response.headers[.eTag].flatMap { $0.utf8.count <= 256 ? $0 : nil },
            maximumAge: maximumAge(response.headers))
        switch response.status {
        case 200: document.bytes = response.body
        case 304 where tag != nil: break
        default: throw FetchFailure(kind: "status_\(response.status)")
        }
        return document
    }

    /// The `jwks_uri` of an issuer.
    static func discover(
        _ issuer: String, by http: any OutboundHTTP, policy: RemoteKeySource.Policy
    ) async throws(FetchFailure) -> String {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let response = try await send(base + "/.well-known/openid-configuration", [.accept: "application/json"], by: http, policy: policy)
        guard response.status == 200 else { throw FetchFailure(kind: "status_\(response.status)") }
        guard let json = (try? JSONValue(parsing: response.body, maximumDepth: 8))?.object, let named = json["issuer"]?.string,
            let url = json["jwks_uri"]?.string
        else { throw FetchFailure(kind: "malformed_discovery") }
        guard named.utf8.elementsEqual(issuer.utf8) else { throw FetchFailure(kind: "wrong_issuer") }
        guard OutboundURL.isAcceptable(url) else { throw FetchFailure(kind: "refused_url") }
        return url
    }

    private static func send(
        _ url: String, _ headers: HTTPFields, by http: any OutboundHTTP, policy: RemoteKeySource.Policy
    ) async throws(FetchFailure) -> OutboundResponse {
        do throws(OutboundError) {
            let response = try await http.send(
                OutboundRequest(
                    url: url, headers: headers, timeoutMilliseconds: policy.timeoutMilliseconds, maximumBytes: policy.maximumBytes))
            guard response.body.count <= policy.maximumBytes else { throw OutboundError.tooLarge }
            return response
        } catch {
            throw FetchFailure(kind: "\(error)")
        }
    }

    /// `max-age` of `Cache-Control`, less `Age` (RFC 9111 §5.2.2.1, §5.1); 0 for `no-store` and `no-cache`; nil where it says nothing.
    static func maximumAge(_ headers: HTTPFields) -> Int64? {
        guard let field = headers[.cacheControl], field.utf8.count <= 1024 else { return nil }
        var age: Int64?
        for directive in field.lowercased().split(separator: ",") {
            let text = directive.trimmingPrefix { $0 == " " || $0 == "\t" }
            let name = text.prefix { $0 != "=" && $0 != " " }
            if name == "no-store" || name == "no-cache" { return 0 }
            guard name == "max-age", let seconds = Int64(text.dropFirst("max-age=".count).filter { $0 != "\"" }), seconds >= 0 else {
                continue
            }
            age = min(seconds, 1 << 31)
        }
        guard let age else { return nil }
        let passed = headers[.age].flatMap { Int64($0) } ?? 0
        return max(0, age - min(max(passed, 0), 1 << 31))
    }
}
