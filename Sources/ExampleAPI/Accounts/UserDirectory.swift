import Synchronization

/// Who may sign in.
final class UserDirectory: Sendable {
    struct Account: Sendable {
        var username: String
        var roles: [String]
        var passwordHash: String
    }

    let passwords: any PasswordVerifier
    private let accounts = Mutex<[String: Account]>([:])

    init(passwords: any PasswordVerifier) { self.passwords = passwords }

    /// Adds an account, or replaces the one of that name.
    func add(username: String, password: String, roles: [String]) async throws {
        let account = Account(username: username, roles: roles, passwordHash: try await passwords.hash(password))
        accounts.withLock { $0[username] = account }
    }

    /// The account of exactly that name: a name that is only canonically equivalent is another.
    func account(_ username: String) -> Account? {
        guard let account = accounts.withLock({ $0[username] }), account.username.utf8.elementsEqual(username.utf8) else { return nil }
        return account
    }

    var all: [Account] { accounts.withLock { $0.values.sorted { $0.username < $1.username } } }
}
