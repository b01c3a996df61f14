import AuditEvents
import AuditMiddleware
import AuditTesting
import Crypto
import ExampleAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

/// Tokens that are bound to a key (RFC 9449), as a client uses them.
@Suite struct OrderTests {
    /// A client with its key.
    private struct Prover {
        let key = P256.Signing.PrivateKey()

        func proof(
            _ method: String, _ url: String, token: String? = nil, at seconds: Int64, id: String = "\(UInt64.random(in: .min ... .max))"
        ) throws -> String {
            let point = key.publicKey.rawRepresentation
            let jwk: JSONValue = [
                "kty": "EC", "crv": "P-256", "x": .string(OrderTests.base64url(point.prefix(32))),
                "y": .string(OrderTests.base64url(point.suffix(32))),
            ]
            let header = CanonicalJSON.encode(["typ": "dpop+jwt", "alg": "ES256", "jwk": jwk])
            var claims: JSONObject = ["jti": .string(id), "htm": .string(method), "htu": .string(url), "iat": .int(seconds)]
            if let token { claims["ath"] = .string(OrderTests.base64url(SHA256.hash(data: Array(token.utf8)))) }
            let signed = OrderTests.base64url(header) + "." + OrderTests.base64url(CanonicalJSON.encode(.object(claims)))
            return signed + "." + OrderTests.base64url(try key.signature(for: Array(signed.utf8)).rawRepresentation)
        }
    }

    static func base64url(_ bytes: some Sequence<UInt8>) -> String {
        var (text, bits, count) = ("", UInt32(0), 0)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        for byte in bytes {
            (bits, count) = (bits << 8 | UInt32(byte), count + 8)
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return text
    }

    @Test("an order takes a bound token with its client's proof, and no part of it alone", arguments: Way.allCases)
    func order(_ way: Way) async throws {
        try await ExampleServer().run(way) { server, client in
            let prover = Prover()
            let now = server.clock.now.microseconds / 1_000_000
            let alice = try await server.logIn(client, "alice").access
            // By the name it was reached under: the test clients say localhost.
            let authority = "localhost"
            func send(_ uri: String, authorization: String, proof: String?, host: String = authority, json: String? = nil) async throws
                -> TestResponse
            {
                var headers: HTTPFields = [.authorization: authorization]
                headers[HTTPField.Name("DPoP")!] = proof
                if json != nil { headers[.contentType] = "application/json" }
                return try await client.execute(uri: uri, method: .post, headers: headers, body: json.map { ByteBuffer(string: $0) })
            }
            func url(_ path: String) -> String { "http://\(authority)\(path)" }

            let bound = try await send(
                "/token/bind", authorization: "Bearer \(alice)", proof: try prover.proof("POST", url("/token/bind"), at: now))
            #expect(bound.status == .ok)
            let token = try #require(try JSONValue(parsing: bound.body.readableBytesView).object?["access_token"]?.string)

            let proof = try prover.proof("POST", url("/orders"), token: token, at: now)
            #expect(try await send("/orders", authorization: "DPoP \(token)", proof: proof, json: #"{"book":1}"#).status == .created)
            #expect(server.sink.requests.last?.body.actor?.id == "alice")
            let refusals: [(String, String?, String)] = [
                ("DPoP \(token)", proof, "proof_replayed"), ("DPoP \(token)", nil, "proof_missing"),
                ("DPoP \(token)", try Prover().proof("POST", url("/orders"), token: token, at: now), "proof_wrong_token"),
                ("DPoP \(token)", try prover.proof("GET", url("/orders"), token: token, at: now), "proof_wrong_target"),
                ("DPoP \(token)", try prover.proof("POST", "http://elsewhere.example/orders", token: token, at: now), "proof_wrong_target"),
                ("DPoP \(token)", try prover.proof("POST", url("/orders"), token: token, at: now - 600), "proof_out_of_time"),
                ("DPoP \(alice)", try prover.proof("POST", url("/orders"), token: alice, at: now), "proof_wrong_token"),
            ]
            for (authorization, proof, reason) in refusals {
                let response = try await send("/orders", authorization: authorization, proof: proof, json: #"{"book":1}"#)
                #expect(response.status == .unauthorized, "\(reason)")
                #expect(server.sink.events(.tokenRejected).last?.header.reason == reason)
            }
            // Without its proof it opens nothing else either.
            #expect(try await server.send(client, .get, "/me", token: token).status == .unauthorized)
            #expect(try await send("/token/bind", authorization: "Bearer \(alice)", proof: nil).status == .badRequest)
            #expect(
                try await send(
                    "/orders", authorization: "DPoP \(token)", proof: try prover.proof("POST", url("/orders"), token: token, at: now),
                    json: #"{"book":99}"#
                ).status == .notFound)

            // It ends with the sign-in that it comes from.
            #expect(try await server.send(client, .post, "/logout", token: alice).status == .noContent)
            #expect(
                try await send(
                    "/orders", authorization: "DPoP \(token)", proof: try prover.proof("POST", url("/orders"), token: token, at: now),
                    json: #"{"book":1}"#
                ).status == .unauthorized)
            #expect(server.sink.events(.tokenRejected).last?.header.reason == "revoked")
            #expect(!server.sink.text.contains(token))
        }
    }
}
