import AuditEvents
import AuditMiddleware
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Synchronization

/// Orders, where money moves: for tokens that are bound to their client's key alone (RFC 9449).
struct OrderRoutes: Sendable {
    typealias Context = BasicAuditedRequestContext

    let issuer: TokenIssuer
    let proofs: DPoPVerifier
    let replays: any ProofReplayStoring
    let lifetimeSeconds: Int64
    let shelf: BookRoutes.Shelf
    private let orders = Orders()

    init(issuer: TokenIssuer, proofs: DPoPVerifier, replays: any ProofReplayStoring, lifetimeSeconds: Int64, shelf: BookRoutes.Shelf) {
        (self.issuer, self.proofs, self.replays) = (issuer, proofs, replays)
        (self.lifetimeSeconds, self.shelf) = (lifetimeSeconds, shelf)
    }

    private final class Orders: Sendable {
        let count = Mutex<Int64>(0)
    }

    /// - Parameters:
    ///   - tokens: for those with a token of any kind.
    ///   - proven: for those who show a proof of possession with each request.
    func add(tokens: AuditedRouter<Context>, proven: AuditedRouter<Context>) {
        let bound = JSONSchema.object(["access_token": .string, "token_type": .oneOf("DPoP"), "expires_in": .integer(minimum: 1)])
        tokens.post(
            "token/bind", policy: .authenticated,
            APIOperation(
                "Gives a token that is bound to the key of the request's proof (RFC 9449)",
                parameters: [.header("DPoP", .string(length: 1...4096), required: true)], gives: [.ok: .json(bound.named("BoundToken"))]),
            use: bind)
        let order = JSONSchema.object(["id": .integer(minimum: 1), "book": .integer(minimum: 1)]).named("Order")
        proven.post(
            "orders", policy: .authenticated,
            APIOperation(
                "Orders a book", takes: .object(["book": .integer(minimum: 1)]), gives: [.created: .json(order)], fails: [.notFound]),
            use: post)
    }

    @Sendable func bind(_ request: Request, _ context: Context) async throws -> Response {
        guard let principal = context.principal else { throw Problem(.unauthorized) }
        guard let proof = try await proofs.proof(of: request, replays: replays, in: context.audit) else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "missing_proof", severity: .low)
            throw Problem(.badRequest, detail: "A proof is required in DPoP.", members: ["error": "invalid_dpop_proof"])
        }
        var claims: JSONObject = ["roles": .array(principal.roles.sorted().map { .string($0) })]
        // It ends with the sign-in that it comes from.
        if let session = principal.sessionID { claims["sid"] = .string(session) }
        if let name = principal.name { claims["name"] = .string(name) }
        let token = try issuer.issue(
            subject: principal.id, lifetimeSeconds: lifetimeSeconds, boundTo: proof.thumbprint, claims: claims)
        try await context.audit.emit(.tokenCreated, outcome: .success) { $0.details["kind"] = "bound_access_token" }
        return .json(
            ["access_token": .string(token), "token_type": "DPoP", "expires_in": .int(lifetimeSeconds)],
            headers: [.cacheControl: "no-store"])
    }

    @Sendable func post(_ request: Request, _ context: Context) async throws -> Response {
        guard case .int(let book) = try await request.jsonObject()["book"] else {
            try await context.audit.emit(.inputValidationFailure, outcome: .failure, reason: "malformed_order", severity: .low)
            throw Problem(.badRequest, detail: "book is required: its id.")
        }
        guard shelf.books.withLock({ book >= 1 && book <= $0.count }) else { throw Problem(.notFound, detail: "There is no such book.") }
        let id = orders.count.withLock { count in
            count += 1
            return count
        }
        context.audit.update { $0.target = "order:\(id)" }
        return .json(["id": .int(id), "book": .int(book)], status: .created)
    }
}
