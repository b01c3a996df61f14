import AuditEvents
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore

/// The endpoints of `TokenGrants`: refresh (RFC 6749 §6) and revocation (RFC 7009), form-encoded. For public clients: the token alone speaks.
///
/// Errors are problem documents with the standard's `error` as a member.
public struct TokenEndpoints<Context: AuditedRequestContext>: Sendable {
    private let grants: TokenGrants
    private let verifier: TokenVerifier?
    private let reload: @Sendable (Principal) async throws -> Principal?

    /// - Parameters:
    ///   - verifier: of one's own access tokens, so that they can be revoked singly; nil where they cannot.
    ///   - reload: see `TokenGrants.refresh`.
    public init(
        _ grants: TokenGrants, verifier: TokenVerifier? = nil, reload: @escaping @Sendable (Principal) async throws -> Principal? = { $0 }
    ) {
        self.grants = grants
        self.verifier = verifier
        self.reload = reload
    }

    public func add(to routes: some RouterMethods<Context>, token: String = "oauth/token", revocation: String = "oauth/revoke") {
        routes.post("\(token)", use: refresh)
        routes.post("\(revocation)", use: revoke)
    }

    @Sendable func refresh(_ request: Request, _ context: Context) async throws -> Response {
        let form = try await form(request, context)
        guard form["grant_type"] == "refresh_token" else {
            throw try await refuse(
                form["grant_type"] == nil ? "invalid_request" : "unsupported_grant_type", "missing_or_other_grant_type", context)
        }
        guard let token = form["refresh_token"] else { throw try await refuse("invalid_request", "missing_refresh_token", context) }
        let grant = try await grants.refresh(token, context: context, reload: reload)
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: CanonicalJSON.encode(.object(grant.json)))))
    }

    /// 200 whatever the token was (RFC 7009 §2.2); the hint is not needed.
    @Sendable func revoke(_ request: Request, _ context: Context) async throws -> Response {
        let form = try await form(request, context)
        guard let token = form["token"], !token.isEmpty else { throw try await refuse("invalid_request", "missing_token", context) }
        let done = Response(status: .ok, headers: [.cacheControl: "no-store"])
        if try await grants.revoke(refreshToken: token, context: context) { return done }
        if let verified = try? verifier?.verify(token), let principal = Principal(token: verified) {
            let fingerprint = context.audit.fingerprint(token, purpose: .token)
            context.audit.note(principal)
            context.audit.update { $0.token = EventBody.Token(fingerprint: fingerprint, issuer: verified.issuer, keyID: verified.keyID) }
            try await grants.revoke(accessToken: verified, context: context)
            return done
        }
        try await context.audit.emit(.tokenRejected, outcome: .failure, reason: "unknown_token", severity: .low)
        return done
    }

    private func form(_ request: Request, _ context: Context) async throws -> FormFields {
        let type = request.headers[.contentType]?.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }.map { $0 | 0x20 } ?? []
        guard type.elementsEqual("application/x-www-form-urlencoded".utf8.map { $0 | 0x20 }) else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "not_a_form", severity: .low)
            throw Problem(
                .unsupportedMediaType, detail: "The body must be application/x-www-form-urlencoded.", members: ["error": "invalid_request"])
        }
        let body: ByteBuffer
        do { body = try await request.body.collect(upTo: 16 * 1024) } catch is NIOTooManyBytesError {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "form_too_large", severity: .low)
            throw Problem(.contentTooLarge, members: ["error": "invalid_request"])
        }
        guard let form = try? FormFields(body.readableBytesView), !form.hasRepeatedName else {
            throw try await refuse("invalid_request", "malformed_form", context)
        }
        return form
    }

    private func refuse(_ error: String, _ reason: String, _ context: Context) async throws -> Problem {
        try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: reason, severity: .low)
        return Problem(.badRequest, detail: "The request is not what this endpoint takes.", members: ["error": .string(error)])
    }
}

extension TokenEndpoints {
    /// The same, open to all and described.
    public func add(to routes: AuditedRouter<Context>, token: String = "oauth/token", revocation: String = "oauth/revoke") {
        let text = JSONSchema.string(length: 1...256)
        routes.post(
            "\(token)", policy: .anyone,
            APIOperation("Exchanges a refresh token, which is good once (RFC 6749 §6)", gives: [.ok: .json(TokenGrant.schema)])
                .takingForm(.object(["grant_type": .oneOf("refresh_token"), "refresh_token": text])),
            use: refresh)
        routes.post(
            "\(revocation)", policy: .anyone,
            APIOperation("Revokes a token (RFC 7009)", gives: [.ok: .empty])
                .takingForm(
                    .object(
                        ["token": JSONSchema(["type": "string", "minLength": 1]), "token_type_hint": .string], optional: ["token_type_hint"]
                    )),
            use: revoke)
    }
}
