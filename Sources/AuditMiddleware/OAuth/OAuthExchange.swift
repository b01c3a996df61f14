import AuditEvents
import Crypto
import HTTPTypes

/// The part of a sign-in between this server and the provider's: code against tokens, tokens against an identity.
struct OAuthExchange: Sendable {
    let provider: OAuthProvider
    let endpoints: OAuthEndpoints
    let http: any OutboundHTTP
    let idTokens: any IDTokenVerifying

    func identity(code: String, flow: OAuthFlow, redirectURI: String) async throws -> OAuthIdentity {
        let tokens = try await exchange(code, flow, redirectURI)
        guard let access = tokens["access_token"]?.string, Self.isToken(access),
            tokens["token_type"]?.string?.lowercased() ?? "bearer" == "bearer"
        else { throw OAuthFailure.providerUnavailable }
        var claims: JSONObject
        if provider.usesIDToken {
            claims = try await verified(tokens["id_token"]?.string, accessToken: access, flow)
            let email = provider.fields.email
            if let email, claims[email] == nil, let user = endpoints.user {
                let document = try await document(user, access)
                // OpenID Connect Core §5.3.2: a document of somebody else must not be used.
                guard let subject = document["sub"]?.string, subject.utf8.elementsEqual((claims["sub"]?.string ?? "").utf8) else {
                    throw OAuthFailure.subjectMismatch
                }
                for member in document where claims[member.key] == nil { claims[member.key] = member.value }
            }
        } else {
            guard let user = endpoints.user else { throw OAuthFailure.noIdentity }
            claims = try await document(user, access)
        }
        return try identity(claims)
    }

    private func exchange(_ code: String, _ flow: OAuthFlow, _ redirectURI: String) async throws(OAuthFailure) -> JSONObject {
        var form = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirectURI), ("code_verifier", flow.verifier),
        ]
        var headers: HTTPFields = [.accept: "application/json", .contentType: "application/x-www-form-urlencoded"]
        switch (provider.clientAuthentication, provider.clientSecret) {
        case (.basic, let secret?):
            // RFC 6749 §2.3.1: both are form-encoded before they are joined.
            headers[.authorization] =
                "Basic " + StrictBase64.padded("\(FormFields.escaped(provider.clientID)):\(FormFields.escaped(secret))")
        case (.post, let secret?): form += [("client_id", provider.clientID), ("client_secret", secret)]
        case (_, nil): form.append(("client_id", provider.clientID))
        }
        let request = OutboundRequest(
            .post, url: endpoints.token, headers: headers, body: Array(FormFields.encode(form).utf8), maximumBytes: 64 * 1024)
        let response: OutboundResponse
        do { response = try await http.send(request) } catch { throw .providerUnavailable }
        let document = (try? JSONValue(parsing: response.body, maximumDepth: 16))?.object
        // Some answer 200 with an error.
        if let error = document?["error"]?.string {
            var failure = OAuthFailure.exchangeFailed
            failure.providerError = OAuthFailure.provider(error).providerError
            if ["invalid_client", "unauthorized_client", "incorrect_client_credentials"].contains(error) {
                (failure.status, failure.outcome) = (.badGateway, .error)
            }
            throw failure
        }
        guard response.status == 200, let document else {
            throw (400..<500).contains(response.status) ? .exchangeFailed : .providerUnavailable
        }
        return document
    }

    private func verified(_ idToken: String?, accessToken: String, _ flow: OAuthFlow) async throws -> JSONObject {
        guard let idToken, let issuer = provider.issuer else { throw OAuthFailure.idToken(.missing) }
        guard idToken.utf8.count <= 16 * 1024 else { throw OAuthFailure.idToken(.tooLarge) }
        let token: VerifiedToken
        do {
            token = try await idTokens.verify(
                idToken: idToken, expecting: IDTokenExpectation(issuer: issuer, audience: provider.clientID, keysURL: endpoints.keys))
        } catch let rejection as TokenRejection {
            throw rejection.reason == .wrongIssuer ? .issuerMismatch : OAuthFailure.idToken(rejection.reason)
        } catch is OutboundError {
            throw OAuthFailure.providerUnavailable
        }
        guard token.issuer.utf8.elementsEqual(issuer.utf8) else { throw OAuthFailure.issuerMismatch }
        guard token.audience.contains(where: { $0.utf8.elementsEqual(provider.clientID.utf8) }) else { throw OAuthFailure.audienceMismatch }
        // Core §3.1.3.7, 4 and 5: with several audiences, or an `azp` at all, it must have been issued to this client.
        let party = token.claims["azp"]?.string
        guard party.map({ $0.utf8.elementsEqual(provider.clientID.utf8) }) ?? (token.audience.count == 1) else {
            throw OAuthFailure.audienceMismatch
        }
        guard let nonce = token.claims["nonce"]?.string, Secret.equal(Array(nonce.utf8), Array(flow.nonce.utf8)) else {
            throw OAuthFailure.nonceMismatch
        }
        if let hash = token.claims["at_hash"]?.string, let expected = Self.accessTokenHash(accessToken, token.algorithm) {
            guard Secret.equal(Array(hash.utf8), expected) else { throw OAuthFailure.idToken(.badSignature) }
        }
        return token.claims
    }

    /// The left half of the access token's hash (Core §3.1.3.6), under the algorithms whose hash is SHA-256.
    private static func accessTokenHash(_ token: String, _ algorithm: SigningAlgorithm) -> [UInt8]? {
        guard algorithm.name.hasSuffix("256") else { return nil }
        return Base64URL.encode(Array(SHA256.hash(data: Array(token.utf8))).prefix(16))
    }

    private func document(_ url: String, _ access: String) async throws(OAuthFailure) -> JSONObject {
        let request = OutboundRequest(
            url: url, headers: [.accept: "application/json", .authorization: "Bearer \(access)", .userAgent: "cardea"],
            maximumBytes: 64 * 1024)
        let response: OutboundResponse
        do { response = try await http.send(request) } catch { throw .providerUnavailable }
        guard response.status == 200, let document = (try? JSONValue(parsing: response.body, maximumDepth: 16))?.object else {
            throw .providerUnavailable
        }
        return document
    }

    private func identity(_ claims: JSONObject) throws(OAuthFailure) -> OAuthIdentity {
        let fields = provider.fields
        let subject: String? =
            switch claims[fields.id] {
            case .string(let text): text
            case .int(let number): String(number)
            default: nil
            }
        guard let subject, (1...255).contains(subject.utf8.count), !subject.utf8.contains(0) else { throw .noIdentity }
        let email = fields.email.flatMap { claims[$0]?.string }.flatMap { (3...254).contains($0.utf8.count) ? $0.storable : nil }
        return OAuthIdentity(
            provider: provider.name, subject: subject, email: email,
            isEmailVerified: email != nil && fields.emailVerified.map { claims[$0] == .bool(true) } ?? false,
            name: fields.name.lazy.compactMap { claims[$0]?.string }.first.map { RequestFacts.bounded($0.storable, to: 256) })
    }

    /// Whether it can stand in an `Authorization` field (RFC 6750 §2.1, and what providers send beyond it).
    private static func isToken(_ text: String) -> Bool {
        (1...8192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
}
