import AuditEvents
import HTTPTypes

/// A second factor that is being set up: shown to its owner, who proves with a first code that the device has it.
public struct SecondFactorEnrolment: Sendable {
    public let secret: OneTimeCodeSecret
    /// What a QR code of it contains.
    public let uri: String
    /// The secret, sealed for this account: to be brought back with the first code, within ten minutes.
    public let ticket: String
}

extension UserAccounts {
    /// Begins to set up one-time codes. Nothing is kept until `confirmSecondFactor`.
    /// - Throws: `Problem` 404; 409 where the account has a second factor, or the service no key to seal it.
    public func beginSecondFactor(of id: String) async throws -> SecondFactorEnrolment {
        let account = try await account(id)
        guard account.secondFactor == nil, let sealer = signIn.secondFactor?.sealer else { throw Self.notPossible }
        let secret = OneTimeCodeSecret.random()
        let until = signIn.clock.now().microseconds / 1_000_000 + 600
        let content = withUnsafeBytes(of: until.bigEndian) { Array($0) } + secret.bytes
        guard let ticket = sealer.seal(content, purpose: "enrolment", owner: id) else { throw Self.notPossible }
        return SecondFactorEnrolment(
            secret: secret, uri: secret.uri(issuer: issuer, account: account.username),
            ticket: String(decoding: Base64URL.encode(ticket), as: UTF8.self))
    }

    /// Sets one-time codes up, if `code` shows that the device has the secret.
    /// - Returns: recovery codes, each good once in place of a code; shown now and never again.
    /// - Throws: `Problem` 404; 400 where the code or the ticket is wrong; 409.
    public func confirmSecondFactor(of id: String, ticket: String, code: String, in audit: AuditContext? = nil) async throws -> [String] {
        let account = try await account(id)
        guard account.secondFactor == nil, let factor = signIn.secondFactor else { throw Self.notPossible }
        let now = signIn.clock.now().microseconds / 1_000_000
        guard ticket.utf8.count <= 1024, code.utf8.count <= 64,
            let content = Base64URL.decode(Array(ticket.utf8)).flatMap({ factor.sealer.open($0, purpose: "enrolment", owner: id) }),
            content.prefix(8).reduce(Int64(0), { $0 << 8 | Int64($1) }) > now,
            let secret = OneTimeCodeSecret(bytes: Array(content.dropFirst(8))),
            let counter = secret.counter(of: String(code.filter { $0 != " " }), at: now, after: -1),
            let made = factor.make(secret, usedCounter: counter, owner: id)
        else {
            try await audit?.emit(.loginFailure, outcome: .failure, reason: "bad_enrolment_code", severity: .low) { $0.target = id }
            throw Problem(.badRequest, detail: "The code is wrong, or the setup has expired.")
        }
        guard try await store.setSecondFactor(made.stored, of: id) else { throw Self.notFound }
        try await record(.userUpdated, account, in: audit) { $0.details["change"] = "second_factor_added" }
        return made.recoveryCodes
    }

    /// Takes an account's second factor away: for an administrator, or after a sign-in with it.
    public func removeSecondFactor(of id: String, in audit: AuditContext? = nil) async throws {
        let account = try await account(id)
        guard try await store.setSecondFactor(nil, of: id) else { throw Self.notFound }
        try await record(.userUpdated, account, in: audit) { $0.details["change"] = "second_factor_removed" }
    }

    private static var notPossible: Problem {
        Problem(.conflict, detail: "The account has a second factor already, or none can be set up here.")
    }
}
