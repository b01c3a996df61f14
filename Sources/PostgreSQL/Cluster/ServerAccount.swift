import Glibc

/// The operating-system user under whom a private server runs and who owns its files.
struct ServerAccount: Sendable {
    let name: String
    let user: uid_t
    let group: gid_t

    /// True when commands must change to this user first, which only root can.
    var isForeign: Bool { user != geteuid() }

    init(user: uid_t) throws {
        guard let entry = Self.entry({ getpwuid_r(user, $0, $1, $2, $3) }) else {
            throw PostgresError(.cluster, "the user id \(user) has no entry in the password file; PostgreSQL needs one")
        }
        self = entry
    }

    init?(name: String) {
        guard let entry = Self.entry({ getpwnam_r(name, $0, $1, $2, $3) }) else { return nil }
        self = entry
    }

    private init(name: String, user: uid_t, group: gid_t) {
        self.name = name
        self.user = user
        self.group = group
    }

    private static func entry(
        _ look: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> ServerAccount? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { buffer in
            guard let memory = buffer.baseAddress, look(&record, memory, buffer.count, &found) == 0, found != nil, let name = record.pw_name
            else { return nil }
            return ServerAccount(name: String(cString: name), user: record.pw_uid, group: record.pw_gid)
        }
    }

    /// The owner of an existing cluster folder, else `postgres` for root, else the caller.
    static func resolve(folder: String) throws -> ServerAccount {
        let caller = geteuid()
        if let owner = FileFacts(folder)?.owner, owner != 0 {
            guard caller == 0 || caller == owner else {
                let name = (try? ServerAccount(user: owner).name) ?? "\(owner)"
                throw PostgresError(
                    .cluster, "\(folder) belongs to the user \(name)", hint: "run as that user or as root, or give another home")
            }
            return try ServerAccount(user: owner)
        }
        guard caller == 0 else { return try ServerAccount(user: caller) }
        guard let account = ServerAccount(name: "postgres") else {
            throw PostgresError(
                .cluster, "root may not run PostgreSQL, and there is no user postgres", hint: "apt-get install postgresql makes one")
        }
        return account
    }

    /// The words before a command that run it as this user.
    var commandPrefix: [String] {
        guard isForeign else { return [] }
        if let setpriv = ChildProcess.find("setpriv") {
            return [setpriv, "--reuid=\(user)", "--regid=\(group)", "--init-groups", "--"]
        }
        return [ChildProcess.find("runuser") ?? "/usr/sbin/runuser", "-u", name, "--"]
    }
}

/// What stat tells of a path; a symbolic link is not followed unless asked.
struct FileFacts {
    let owner: uid_t
    let mode: mode_t
    let device: dev_t
    let inode: ino_t

    init?(_ path: String, following: Bool = true) {
        var facts = stat()
        guard (following ? stat(path, &facts) : lstat(path, &facts)) == 0 else { return nil }
        owner = facts.st_uid
        mode = facts.st_mode
        device = facts.st_dev
        inode = facts.st_ino
    }

    var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    var permissions: mode_t { mode & 0o7777 }

    func isSameFile(as other: FileFacts) -> Bool { device == other.device && inode == other.inode }
}
