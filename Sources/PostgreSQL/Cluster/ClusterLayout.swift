import FoundationEssentials
import Glibc

/// Where a private cluster keeps what, under its home.
struct ClusterLayout: Sendable {
    let home: String
    /// Owned by the server's user, mode 0700.
    let folder: String
    let data: String
    let log: String
    let lock: String

    init(home: String) {
        let absolute = home.hasPrefix("/") ? home : FileManager.default.currentDirectoryPath + "/" + home
        var trimmed = Substring(absolute)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.home = String(trimmed)
        folder = "\(self.home)/postgres"
        data = "\(folder)/data"
        log = "\(folder)/log"
        lock = "\(folder)/lock"
    }

    /// The only port number of a Unix socket's name.
    static let port = 5432
    static let superuser = "postgres"
    static let database = "cardea"

    /// Where the socket lies: in the home, or in a short folder under /tmp when the path would be longer than the 107 bytes that
    /// the kernel takes, or holds a character that the setting's list cannot.
    func socketFolder(owner: uid_t) -> String {
        let inside = "\(folder)/run"
        let isLong = inside.utf8.count + "/.s.PGSQL.\(Self.port)".utf8.count > 107
        let isOdd = inside.utf8.contains { $0 < 0x20 || [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "'")].contains($0) }
        guard isLong || isOdd else { return inside }
        // FNV-1a, 64 bits: the name must be the same in every process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in folder.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "/tmp/cardea-\(owner)-\(String(hash, radix: 36))"
    }

    /// What libpq takes. Everything that the environment could change is named.
    static func url(socketFolder: String, database: String = Self.database) -> String {
        let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
        let digits = Array("0123456789ABCDEF".utf8)
        let host = socketFolder.utf8.flatMap { byte in
            unreserved.contains(byte) ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return "postgresql:///\(database)?host=\(String(decoding: host, as: UTF8.self))&port=\(port)&user=\(superuser)"
    }

    /// Makes the folders, each with its owner and mode. What exists keeps its place but not a wider mode.
    func prepare(for account: ServerAccount) throws {
        try Self.refusingForeignErrors("\(home) cannot be made") {
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        }
        if account.isForeign, let facts = FileFacts(home), facts.permissions & 0o111 != 0o111 {
            // The server's user must be able to pass through, not to look inside.
            guard chmod(home, facts.permissions | 0o111) == 0 else { throw Self.failure(home, "cannot be made traversable") }
        }
        try Self.makeFolder(folder, owner: account)
        for path in [log, "\(folder)/run"] { try Self.makeFolder(path, owner: account) }
        if account.isForeign { try checkPassage(for: account) }
    }

    /// A folder of mode 0700 that belongs to the server's user. A symbolic link or a stranger's folder in its place is refused: in
    /// /tmp anybody may have put it there.
    static func makeFolder(_ path: String, owner account: ServerAccount) throws {
        if mkdir(path, 0o700) == 0 {
            if account.isForeign, chown(path, account.user, account.group) != 0 {
                throw failure(path, "cannot be given to \(account.name)")
            }
            return
        }
        guard errno == EEXIST else { throw failure(path, "cannot be made") }
        guard let facts = FileFacts(path, following: false), facts.isDirectory else {
            throw PostgresError(.cluster, "\(path) is not a folder")
        }
        if facts.owner != account.user {
            // Another process of ours may be between mkdir and chown.
            guard facts.owner == geteuid(), account.isForeign, chown(path, account.user, account.group) == 0 else {
                throw PostgresError(.cluster, "\(path) belongs to another user (id \(facts.owner))")
            }
        }
        if facts.permissions != 0o700, chmod(path, 0o700) != 0 { throw failure(path, "cannot be closed to others") }
    }

    private func checkPassage(for account: ServerAccount) throws {
        let outcome = try ChildProcess.run(["/bin/sh", "-c", "cd \"$0\"", folder], as: account)
        guard outcome.status != 0 else { return }
        var path = ""
        for part in home.split(separator: "/") {
            path += "/\(part)"
            if let facts = FileFacts(path), facts.permissions & 0o001 == 0 {
                throw PostgresError(
                    .cluster, "the user \(account.name), who runs the server, cannot pass through \(path)",
                    hint: "give another home, or chmod o+x \(path)")
            }
        }
        throw PostgresError(.cluster, "the user \(account.name) cannot enter \(folder): \(PostgresError.trimmed(outcome.output))")
    }

    static func failure(_ path: String, _ what: String) -> PostgresError {
        PostgresError(.cluster, "\(path) \(what): \(String(cString: strerror(errno)))")
    }

    static func refusingForeignErrors<R>(_ what: String, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as PostgresError {
            throw error
        } catch {
            throw PostgresError(.cluster, "\(what): \(error.localizedReason)", underlying: error)
        }
    }
}

extension Error {
    fileprivate var localizedReason: String {
        guard let error = self as? CocoaError else { return "\(self)" }
        if let posix = error.underlying as? POSIXError { return String(cString: strerror(posix.code.rawValue)) }
        return "\(error.code)"
    }
}
