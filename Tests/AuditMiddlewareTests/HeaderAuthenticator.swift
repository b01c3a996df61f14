import AuditMiddleware
import HTTPTypes
import HummingbirdCore

/// Takes `X-User: id roles scopes`, each list parted by commas, at its word.
struct HeaderAuthenticator: Authenticator {
    static let name = HTTPField.Name("X-User")!
    var challenge: AuthenticationChallenge? = .init(scheme: "Bearer", parameters: ["realm": "shop"])

    func authenticate(_ request: Request, context: some AuditedRequestContext) async throws -> AuthenticationResult {
        guard let value = request.headers[Self.name] else { return .absent }
        let parts = value.split(separator: " ", omittingEmptySubsequences: false)
        func names(_ index: Int) -> Set<String> {
            index < parts.count ? Set(parts[index].split(separator: ",").map(String.init)) : []
        }
        return .authenticated(Principal(id: String(parts[0]), roles: names(1), scopes: names(2)))
    }
}
