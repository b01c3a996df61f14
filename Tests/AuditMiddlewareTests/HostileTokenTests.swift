import AuditEvents
import AuditTesting
import Crypto
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import AuditMiddleware

/// Tokens that are made to deceive or to cost: nobody gets in, each has one event, nothing of them is kept.
@Suite struct HostileTokenTests {
    static func bomb(_ open: String, _ count: Int, _ close: String = "") -> String {
        String(repeating: open, count: count) + String(repeating: close, count: count)
    }

    static func claims(_ more: String) -> String {
        Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1800000600,"# + more + "}")
    }

    static func header(_ more: String) -> String { Forge.token(header: #"{"alg":"HS256","typ":"at+jwt","kid":"k1","# + more + "}") }

    /// The token with another of its parts.
    static func replacing(_ part: Int, _ text: String) -> String {
        var parts = Forge.token().split(separator: ".").map(String.init)
        parts[part] = text
        return parts.joined(separator: ".")
    }

    static let tokens: [(String, String)] = [
        ("a megabyte", String(repeating: "a", count: 1 << 20)), ("a megabyte of dots", String(repeating: ".", count: 1 << 20)),
        ("a megabyte of signature", Forge.token() + String(repeating: "A", count: 1 << 20)),
        ("a megabyte of claims", claims(#""x":""# + String(repeating: "x", count: 1 << 20) + "\"")),
        ("just beyond the bound", claims(#""x":""# + String(repeating: "x", count: 6000) + "\"")),
        ("arrays in the header", Forge.token(header: bomb("[", 5000, "]"))), ("arrays not closed", Forge.token(header: bomb("[", 5000))),
        ("objects in the header", header(#""x":"# + bomb(#"{"a":"#, 800, "}").replacing(":}", with: ":1}"))),
        ("arrays in the claims", claims(#""x":"# + bomb("[", 2000, "]"))),
        ("objects in the claims", Forge.token(claims: bomb(#"{"a":"#, 900))),
        ("a member twice", claims(#""sub":"eve""#)), ("a member twice by an escape", claims(#""\u0073ub":"eve""#)),
        ("roles twice", claims(#""roles":["a"],"roles":["admin"]"#)), ("an end twice", claims(#""exp":1900000000"#)),
        ("alg twice", header(#""alg":"none""#)), ("kid twice", header(#""kid":"k2""#)), ("alg by an escape", header(#""\u0061lg":"none""#)),
        ("a huge end", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1e308}"#)),
        ("an infinite end", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1e309}"#)),
        ("an end that is not a number", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":NaN}"#)),
        ("Infinity", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":Infinity}"#)),
        ("a negative end", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":-1800000600}"#)),
        (
            "an end of a thousand digits",
            Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":1\#(bomb("0", 1000))}"#)
        ),
        (
            "an end of Int64's last second",
            Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":9223372036854775807}"#)
        ),
        ("an end in a list", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":[1800000600]}"#)),
        ("an end in hexadecimal", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":"ann","exp":0x7fffffff}"#)),
        ("a start at the end of time", claims(#""nbf":253402300799"#)), ("issued tomorrow", claims(#""iat":1800086400"#)),
        ("a huge start", claims(#""nbf":1e308"#)),
        ("a subject of many kinds", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","sub":{"a":1},"exp":1800000600}"#)),
        ("no subject", Forge.token(claims: #"{"iss":"https://issuer","aud":"shop","exp":1800000600}"#)),
        ("a lone surrogate", claims(#""x":"\ud800""#)), ("a NUL byte", claims("\"x\":\"\u{0}\"")),
        ("claims after the claims", Forge.token(claims: Forge.claims + Forge.claims)),
        ("a byte order mark", Forge.token(claims: "\u{feff}" + Forge.claims)),
        ("a comment", Forge.token(claims: "/*x*/" + Forge.claims)),
        ("a trailing comma", Forge.token(claims: Forge.claims.dropLast() + ",}")),
        ("single quotes", Forge.token(claims: Forge.claims.replacing("\"", with: "'"))),
        ("bytes that are no UTF-8", replacing(1, Forge.part([0x7b, 0xff, 0xfe, 0x7d]))),
        ("an overlong NUL", replacing(0, Forge.part([0xc0, 0x80]))),
        ("UTF-16", replacing(0, Forge.part(Array(#"{"alg":"none"}"#.utf16).flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }))),
        ("none", Forge.part(#"{"alg":"none"}"#) + "." + Forge.part(Forge.claims) + "."),
        ("None with a signature", replacing(0, Forge.part(#"{"alg":"None","kid":"k1","typ":"JWT"}"#))),
        ("none with a Turkish i", replacing(0, Forge.part(#"{"alg":"n\u00f6ne","kid":"k1","typ":"JWT"}"#))),
        ("no signature", Forge.token().split(separator: ".").prefix(2).joined(separator: ".") + "."),
        ("half a signature", String(Forge.token().dropLast(22))),
        ("a signature of zeros", replacing(2, Forge.part([UInt8](repeating: 0, count: 32)))),
        ("the signature of another", replacing(2, String(Forge.token(claims: "{}").split(separator: ".")[2]))),
        ("padding", Forge.token() + "="), ("white space within", Forge.token().replacing(".", with: ". ")),
        ("a tab", Forge.token() + "\t."),
        ("standard base64", replacing(2, String(Forge.token().split(separator: ".")[2]) + "+/")),
        ("five parts, as a JWE has", Forge.token() + ".AA.AA"), ("an empty header", replacing(0, "")), ("empty claims", replacing(1, "")),
        ("a key of its own", Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"k9","jwk":{"kty":"oct","k":"AAAA"}}"#)),
        ("a URL for its key", Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"k9","jku":"http://169.254.169.254/"}"#)),
        (
            "a path for its key",
            Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"../../../../dev/null"}"#, secret: [UInt8](repeating: 0, count: 32))
        ),
        ("SQL for its key", Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"x' union select 'a"}"#)),
        ("a key of a thousand bytes", Forge.token(header: #"{"alg":"HS256","typ":"JWT","kid":"\#(bomb("k", 1000))"}"#)),
        ("critical of nothing", header(#""crit":[]"#)), ("critical of what is known", header(#""crit":["exp"],"exp":1"#)),
        ("not encoded", header(#""b64":false"#)), ("compressed", header(#""zip":"DEF","crit":["zip"]"#)),
        ("of another kind", Forge.token(header: #"{"alg":"HS256","typ":"logout+jwt","kid":"k1"}"#)),
        ("a proof", Forge.token(header: #"{"alg":"HS256","typ":"dpop+jwt","kid":"k1"}"#)),
        ("of a kind with a space", Forge.token(header: #"{"alg":"HS256","typ":"at+jwt ","kid":"k1"}"#)),
        ("of a kind like ours", Forge.token(header: #"{"alg":"HS256","typ":"at+\u212awt","kid":"k1"}"#)),
        ("an issuer like ours", Forge.token(claims: #"{"iss":"https://issue\u0072/","aud":"shop","sub":"ann","exp":1800000600}"#)),
        ("an audience like ours", Forge.token(claims: #"{"iss":"https://issuer","aud":"s\u200bhop","sub":"ann","exp":1800000600}"#)),
        ("bound to a key", claims(#""cnf":{"jkt":"x"}"#)), ("bound to nothing known", claims(#""cnf":{}"#)),
        ("JSON serialization", #"{"payload":"e30","signatures":[{"protected":"e30","signature":""}]}"#), ("an exclamation", "!"),
        ("bytes of every kind", (0x21..<0x7f).map { String(UnicodeScalar(UInt8($0))) }.joined()), ("emoji", "🔑.🔑.🔑"),
        ("two tokens", Forge.token() + "," + Forge.token()),
    ]

    @Test("none of them is accepted; one event each, 401, nothing of them in any field", arguments: Way.allCases)
    func refused(_ way: Way) async throws {
        #expect(Self.tokens.count >= 50)
        let test = TestApplication()
        try await test.application(try BearerTests.router()).test(way.setup) { client in
            for (name, token) in Self.tokens {
                // What a field of HTTP cannot hold, or the parser not read, does not come this far on the wire.
                if way == .live, token.utf8.count > 60_000 || !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) { continue }
                let before = test.sink.events.count
                let response = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + token])
                #expect(response.status == .unauthorized, "\(name)")
                let events = test.sink.events[before...]
                #expect(events.map(\.header.type) == [.tokenRejected, .httpRequest], "\(name)")
                #expect(events.allSatisfy { $0.body.actor == nil }, "\(name)")
                let details = events.first?.body.details ?? [:]
                #expect(CanonicalJSON.encode(.object(details)).count < 100, "\(name)")
                #expect((events.first?.body.token?.keyID?.utf8.count ?? 0) <= 64, "\(name)")
            }
            // And whoever is good still gets in.
            let good = try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + Forge.token()])
            #expect(good.status == .ok)
        }
    }

    @Test(
        "a token that was accepted is refused once it is over, its key is gone or it is revoked, however often it was seen",
        arguments: Way.allCases)
    func remembered(_ way: Way) async throws {
        let test = TestApplication()
        let revocations = BearerTests.Revocations()
        let verifier = try TokenVerifier(
            keys: [.hmac(Forge.secret, algorithm: .hs256, id: "k1")], rules: .init(issuer: "https://issuer", audience: "shop"),
            now: { test.clock.now })
        let router = TestApplication.router()
        router.group().add(middleware: Authentication(BearerAuthenticator(verifier: verifier, status: revocations, realm: "shop")))
            .get("me") { _, context in context.principal?.id ?? "nobody" }
        try await test.application(router).test(way.setup) { (client) async throws in
            func get(_ token: String) async throws -> HTTPResponse.Status {
                try await client.execute(uri: "/me", method: .get, headers: [.authorization: "Bearer " + token]).status
            }
            let token = Forge.token()
            for _ in 0..<3 { #expect(try await get(token) == .ok) }
            // One that differs in nothing but the signature is not the one that was seen.
            let forged = Forge.token(secret: [UInt8](repeating: 1, count: 32))
            #expect(try await get(forged) == .unauthorized)
            revocations.revoked.withLock { $0 = ["j1"] }
            #expect(try await get(token) == .unauthorized)
            #expect(test.sink.events(.tokenRejected).last?.header.reason == "revoked")
            revocations.revoked.withLock { $0 = [] }
            #expect(try await get(token) == .ok)
            test.clock.advance(seconds: 629)
            #expect(try await get(token) == .ok)
            test.clock.advance(seconds: 1)
            #expect(try await get(token) == .unauthorized)
            #expect(test.sink.events(.tokenRejected).last?.header.reason == "expired")
        }
    }

    @Test("headers are remembered by their exact bytes, and only those of tokens that hold")
    func headers() throws {
        let cache = TokenHeaderCache()
        let verifier = try SignatureVerifier(keys: [.hmac(Forge.secret, algorithm: .hs256, id: "k1")])
        for number in 0..<50 {
            let text = Forge.part(#"{"alg":"HS256","kid":"k1","n":\#(number)}"#)
            let bytes = Array(text.utf8)[...]
            cache.note(try TokenHeader(encoded: bytes), of: bytes)
            #expect(cache.header(bytes)?.object["n"] == .int(Int64(number)))
            #expect(cache.header(bytes.dropLast()) == nil)
            let token = Forge.token(header: #"{"alg":"HS256","kid":"k1","n":\#(number)}"#)
            for _ in 0..<2 { #expect(try verifier.verify(token).header["n"] == .int(Int64(number))) }
        }
    }
}
