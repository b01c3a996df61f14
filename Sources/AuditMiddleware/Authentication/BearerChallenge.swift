import HTTPTypes

/// The `WWW-Authenticate` challenge of RFC 6750 §3.
struct BearerChallenge: Sendable {
    /// A quoted-string's content: quotes, backslashes and control characters are left out.
    let realm: String

    init(realm: String) {
        self.realm = String(
            decoding: realm.utf8.filter { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }, as: UTF8.self)
    }

    /// No token was presented: 401 without an error code.
    var missing: Problem { problem(.unauthorized, error: nil, detail: "A bearer token is required.") }
    /// More than one `Authorization` field: 400.
    var repeated: Problem { problem(.badRequest, error: "invalid_request", detail: "The request has more than one Authorization field.") }
    /// The token does not hold, for whatever reason; which one is nobody's business outside.
    var invalid: Problem { problem(.unauthorized, error: "invalid_token", detail: "The access token is not valid.") }
    /// The token holds and does not suffice: 403.
    var insufficient: Problem { problem(.forbidden, error: "insufficient_scope", detail: "The access token does not permit this.") }

    private func problem(_ status: HTTPResponse.Status, error: String?, detail: String) -> Problem {
        var value = "Bearer realm=\"\(realm)\""
        if let error { value += ", error=\"\(error)\"" }
        return Problem(status, detail: detail, headers: [.wwwAuthenticate: value])
    }
}
