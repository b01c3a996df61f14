public import AuditEvents

/// An access token and the refresh token for the next one.
public struct TokenGrant: Sendable {
    public var accessToken: String
    public var refreshToken: String
    /// How long the access token is good, in seconds.
    public var expiresIn: Int64
    /// The `sid` of its access tokens.
    public var sessionID: String

    /// The response's document (RFC 6749 §5.1).
    public var json: JSONObject {
        [
            "access_token": .string(accessToken), "token_type": "Bearer", "expires_in": .int(expiresIn),
            "refresh_token": .string(refreshToken),
        ]
    }

    /// What `json` looks like.
    public static let schema = JSONSchema.object([
        "access_token": .string, "token_type": .oneOf("Bearer"), "expires_in": .integer(minimum: 1), "refresh_token": .string,
    ]).named("Tokens")
}

/// The two halves of a presented refresh token: the family's, which stays, and the one that is good once.
struct RefreshToken: Sendable {
    let lineage: SecretHash
    let half: SecretHash

    /// 43 characters each.
    static let halfLength = 43

    /// Nil for anything but two halves of 32 bytes in strict base64url.
    init?(_ text: String) {
        guard text.utf8.count == 2 * Self.halfLength, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let (first, second) = (text.prefix(Self.halfLength), text.dropFirst(Self.halfLength))
        guard Secret.isWellFormed(first), Secret.isWellFormed(second) else { return nil }
        (lineage, half) = (SecretHash(of: first), SecretHash(of: second))
    }
}
