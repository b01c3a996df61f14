public import AuditEvents
import HTTPTypes

/// How a credential is presented: a security scheme of OpenAPI 3.1 (§4.8.27) under its name.
public struct SecurityScheme: Sendable, Hashable {
    /// Letters, digits, `.`, `-` and `_`.
    public let name: String
    public let object: JSONObject

    public init(name: String, object: JSONObject) { (self.name, self.object) = (name, object) }

    /// A scheme of `Authorization` (RFC 9110 §11.4).
    public static func http(_ scheme: String, format: String? = nil) -> SecurityScheme {
        var object: JSONObject = ["type": "http", "scheme": .string(scheme.lowercased())]
        if let format { object["bearerFormat"] = .string(format) }
        return SecurityScheme(name: scheme.lowercased(), object: object)
    }

    /// A cookie of this name.
    public static func cookie(_ cookie: String, name: String = "cookie") -> SecurityScheme {
        SecurityScheme(name: name, object: ["type": "apiKey", "in": "cookie", "name": .string(cookie)])
    }

    /// A header field of this name.
    public static func header(_ field: String, name: String = "key") -> SecurityScheme {
        SecurityScheme(name: name, object: ["type": "apiKey", "in": "header", "name": .string(field)])
    }
}

extension Authenticator {
    public var securityScheme: SecurityScheme {
        challenge.map { .http($0.scheme) } ?? SecurityScheme(name: "custom", object: ["type": "http", "scheme": "custom"])
    }
}
