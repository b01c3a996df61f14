import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct TokenEndpointHostileTests {
    /// A body of the token endpoint, its content type, the status, and the event's reason.
    static let cases: [(String, String?, Int, String)] = {
        let form = "application/x-www-form-urlencoded"
        let (a, halves) = (String(repeating: "A", count: 43), String(repeating: "A", count: 86))
        var cases: [(String, String?, Int, String)] = []
        for type in [
            nil, "", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx",
            "application/*",
        ] {
            cases.append(("grant_type=refresh_token&refresh_token=\(halves)", type, 415, "not_a_form"))
        }
        let malformed: [String] = [
            "%", "a=%", "a=%2", "a=%zz", "%zz=a", "a=%ff", "a=%C0%AF", "a=%ED%A0%80", "a=1&a=2",
            "grant_type=refresh_token&grant_type=refresh_token",
            "grant_type=refresh_token&refresh_token=x&refresh_token=y", "a=1&%61=2", "&=&=", String(repeating: "a&", count: 100),
            (0..<65).map { "f\($0)=1" }.joined(separator: "&"), "\u{0}=1&\u{0}=2", "%00=1&%00=2",
        ]
        for body in malformed { cases.append((body, form, 400, "malformed_form")) }
        for body in [
            "", "&&&&", "=", "a=b", "refresh_token=\(halves)", "grant_type", "grant_type=", "grant_type=password&username=a&password=b",
            "grant_type=authorization_code&code=x", "grant_type=client_credentials", "grant_type=REFRESH_TOKEN",
            "grant_type=refresh_token%00",
            "grant_type=refresh_token+", "GRANT_TYPE=refresh_token", "{\"grant_type\":\"refresh_token\"}",
        ] { cases.append((body, form, 400, "missing_or_other_grant_type")) }
        for body in ["grant_type=refresh_token", "grant_type=refresh_token&REFRESH_TOKEN=x", "grant_type=refresh_token&token=x"] {
            cases.append((body, form, 400, "missing_refresh_token"))
        }
        let short = String(halves.dropLast())
        let tokens: [String] = [
            "", "x", a, "\(halves)A", short, "\(short)B", "\(short)=", "\(short)+", "\(short)%2F", "\(short.dropLast())%C3%A9",
            "%27%20or%201%3D1--", "../../etc/passwd", String(repeating: "A", count: 10_000), "null", "%00", "eyJhbGciOiJub25lIn0.e30.",
        ]
        for token in tokens { cases.append(("grant_type=refresh_token&refresh_token=\(token)", form, 400, "malformed")) }
        let underscores = String(repeating: "_", count: 42)
        cases.append(("grant_type=refresh_token&refresh_token=\(halves)", form, 400, "unknown_refresh_token"))
        cases.append(("grant_type=refresh_token&refresh_token=\(underscores)8\(a)", form, 400, "unknown_refresh_token"))
        cases.append((String(repeating: "a", count: 16 * 1024 + 1), form, 413, "form_too_large"))
        cases.append((String(repeating: "a", count: 1 << 20), form, 413, "form_too_large"))
        return cases
    }()

    @Test("every strange body has its status, an error that a client understands, and one event", arguments: Way.allCases)
    func bodies(_ way: Way) async throws {
        let bed = try TokenBed()
        #expect(Self.cases.count >= 50)
        try await bed.test.application(bed.router()).test(way.setup) { client in
            for (body, type, status, reason) in Self.cases {
                let before = bed.test.sink.events.count
                let response = try await TokenBed.post(client, "/oauth/token", body, type: type)
                #expect(response.status.code == status, "\(body.prefix(80)) \(type ?? "-")")
                let error = try JSONValue(parsing: response.body.readableBytesView).object?["error"]?.string
                #expect(["invalid_request", "invalid_grant", "unsupported_grant_type"].contains(error), "\(body.prefix(80))")
                let events = bed.test.sink.events[before...]
                #expect(events.count == 2 && events.last?.header.type == .httpRequest, "\(body.prefix(80))")
                #expect(events.first?.header.reason == reason, "\(body.prefix(80))")
            }
            let text = bed.test.sink.text
            for secret in ["AAAAAAAAAAAA", "passwd", "eyJ"] { #expect(!text.contains(secret)) }
        }
    }
}
