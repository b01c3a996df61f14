import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import AuditMiddleware

@Suite struct CookieHostileTests {
    static let id = String(repeating: "A", count: 43)

    /// A Cookie field, the status of a signed-in route, and the event's reason.
    static let cases: [(String, Int, String)] = {
        let name = "__Host-session"
        var cases: [(String, Int, String)] = [
            // No session's cookie at all.
            ("", 401, "missing"), (";;;;", 401, "missing"), ("=", 401, "missing"), ("=\(id)", 401, "missing"), (name, 401, "missing"),
            ("session=\(id)", 401, "missing"), ("__host-session=\(id)", 401, "missing"), ("__HOST-SESSION=\(id)", 401, "missing"),
            ("__Host-session2=\(id)", 401, "missing"), ("x__Host-session=\(id)", 401, "missing"),
            ("%5F_Host-session=\(id)", 401, "missing"),
            ("__Host_session=\(id)", 401, "missing"), ("__Secure-session=\(id)", 401, "missing"), ("$Version=1; a=b", 401, "missing"),
            ("a=\"; \(name)x=\(id)\"", 401, "missing"), ("__Host-session[]=\(id)", 401, "missing"), ("=\(name)=\(id)", 401, "missing"),
            ("\"\(name)\"=\(id)", 401, "missing"), ("a=b, \(name)=\(id)", 401, "missing"),
            // One that nothing here ever set.
            ("\(name)=", 401, "malformed_session"), ("\(name)==", 401, "malformed_session"), ("\(name)=x", 401, "malformed_session"),
            ("\(name)=\"\(id)\"", 401, "malformed_session"), ("\(name)=\(id)A", 401, "malformed_session"),
            ("\(name)=\(id.dropLast())", 401, "malformed_session"), ("\(name)=\(id.dropLast())=", 401, "malformed_session"),
            ("\(name)=\(id.dropLast())B", 401, "malformed_session"), ("\(name)=\(id.dropLast())+", 401, "malformed_session"),
            ("\(name)=\(id.dropLast())/", 401, "malformed_session"), ("\(name)=\(id.dropLast()) A", 401, "malformed_session"),
            ("\(name)=' or 1=1 --", 401, "malformed_session"), ("\(name)=../../etc/passwd", 401, "malformed_session"),
            ("\(name)=%41\(id.dropLast(3))", 401, "malformed_session"), ("\(name)=null", 401, "malformed_session"),
            ("\(name)={\"$ne\":null}", 401, "malformed_session"), ("\(name)=<script>alert(1)</script>", 401, "malformed_session"),
            ("\(name)=${jndi:ldap://x}", 401, "malformed_session"),
            ("\(name)=\(String(repeating: "A", count: 4000))", 401, "malformed_session"),
            ("\(name)=eyJhbGciOiJub25lIn0.e30.", 401, "malformed_session"), ("\(name) = x", 401, "malformed_session"),
            ("\t\(name)\t=\tx", 401, "malformed_session"), ("a=b;\(name)=x;c=d", 401, "malformed_session"),
            ("\(name)=deleted", 401, "malformed_session"), ("\(name)=0", 401, "malformed_session"),
            ("\(name)=-1", 401, "malformed_session"),
            ("\(name)=é", 401, "malformed_session"), ("\(name)=\(id.dropLast(2))é", 401, "malformed_session"),
            // Well-formed and unknown.
            ("\(name)=\(id)", 401, "unknown_session"), ("\(name)=  \(id)  ", 401, "unknown_session"),
            ("\(name)=\(String(repeating: "-", count: 42))8", 401, "unknown_session"),
            ("a=b; \(name)=\(id); __host-session=x", 401, "unknown_session"),
            // Which one is meant?
            ("\(name)=\(id); \(name)=\(id)", 400, "ambiguous_cookie"), ("\(name)=x; a=b; \(name)=y", 400, "ambiguous_cookie"),
            ("\(name)=; \(name)=\(id)", 400, "ambiguous_cookie"), ("\(name)=\(id);\(name) =x", 400, "ambiguous_cookie"),
        ]
        // More than is looked at.
        cases.append((String(repeating: "a=b;", count: 300), 400, "oversized_cookie"))
        cases.append(("a=" + String(repeating: "b", count: 17_000), 400, "oversized_cookie"))
        cases.append((String(repeating: ";", count: 17_000), 400, "oversized_cookie"))
        return cases
    }()

    @Test("every strange cookie has its status and one event", arguments: Way.allCases)
    func cookies(_ way: Way) async throws {
        let bed = SessionBed()
        #expect(Self.cases.count >= 50)
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            for (cookie, status, reason) in Self.cases {
                let before = bed.test.sink.events.count
                let response = try await client.execute(uri: "/me", method: .get, headers: [.cookie: cookie])
                #expect(response.status.code == status, "\(cookie.prefix(80))")
                #expect(response.headers[.contentType] == "application/problem+json")
                let events = bed.test.sink.events[before...]
                #expect(events.map(\.header.type) == [.tokenRejected, .httpRequest], "\(cookie.prefix(80))")
                #expect(events.first?.header.reason == reason, "\(cookie.prefix(80))")
            }
            #expect(!bed.test.sink.text.contains(Self.id))
            #expect(!bed.test.sink.text.contains("jndi"))
        }
    }

    @Test("cookies in several fields are read together, and twice the name is refused there too", arguments: Way.allCases)
    func severalFields(_ way: Way) async throws {
        let bed = SessionBed()
        try await bed.test.application(try bed.router()).test(way.setup) { client in
            let cookie = try await SessionBed.signIn(client)
            for (fields, status) in [(["a=b", cookie, "c=d"], 200), ([cookie, cookie], 400), ([cookie, "__Host-session=x"], 400)] {
                var headers = HTTPFields()
                for field in fields { headers.append(HTTPField(name: .cookie, value: field)) }
                let response = try await client.execute(uri: "/me", method: .get, headers: headers)
                #expect(response.status.code == status)
            }
            bed.expectNoSecrets([cookie])
        }
    }

    @Test("over plain HTTP the development cookie has neither prefix nor Secure")
    func plain() {
        let plain = HostCookie.plain("session")
        #expect(plain.field("v", maximumAgeSeconds: nil) == "session=v; Path=/; HttpOnly; SameSite=Lax")
        #expect(
            HostCookie("a b;c", sameSite: .strict).field("v", maximumAgeSeconds: 1)
                == "__Host-a_b_c=v; Path=/; Max-Age=1; Secure; HttpOnly; SameSite=Strict")
    }
}
