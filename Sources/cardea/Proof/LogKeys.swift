import AuditEvents
import Configuration
import EventStore
import Glibc
import PostgreSQL
import TransparencyLog

/// The private keys under which checkpoints and exports are signed: a file that only its owner may read, a key a line, or `CARDEA_LOG_KEY`.
struct LogKeys {
    /// The newest first; each signs.
    var signers: [NoteSigner]
    let path: String
    /// What was signed here.
    let kept: KeptCheckpoints
    /// They came from the environment, and no file is looked at or written.
    let isGiven: Bool

    /// Reads them; there may be none.
    ///
    /// - `log.key` (strings, secret): signing keys, as the file has them
    /// - `log.keyFile` (string, HOME/log.key)
    init(_ settings: Settings) throws {
        path = settings.reader.string(forKey: "log.keyFile", default: settings.home + "/log.key")
        kept = KeptCheckpoints(settings.home + "/checkpoints")
        let given = settings.reader.string(forKey: "log.key", isSecret: true).flatMap { $0.isEmpty ? nil : $0 }
        isGiven = given != nil
        var text = given ?? ""
        if given == nil {
            var status = stat()
            if stat(path, &status) == 0 {
                guard status.st_mode & 0o077 == 0 else {
                    throw Failure(
                        "\(path) may be read by others than its owner",
                        hint: "chmod 600 \(path), and think of who has read it: `cardea keys generate --rotate`.")
                }
            }
            text = try Files.read(path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        do {
            signers = try text.split(whereSeparator: \.isWhitespace).map { try NoteSigner(String($0)) }
        } catch {
            throw Failure(
                "\(isGiven ? "CARDEA_LOG_KEY" : path) holds a line that is no signing key",
                hint: "A line is PRIVATE+KEY+NAME+HASH+KEY; `cardea keys generate` writes one.")
        }
    }

    /// Writes the file anew, for its owner alone.
    func save() throws {
        try Files.write(Array(signers.map { $0.secretText + "\n" }.joined().utf8), path, mode: 0o600)
    }

    /// Writes the file where there is none; false where there is one by now.
    private func create() throws -> Bool {
        let own = "\(path).\(getpid()).first"
        try Files.write(Array(signers.map { $0.secretText + "\n" }.joined().utf8), own, mode: 0o600)
        defer { unlink(own) }
        if link(own, path) == 0 { return true }
        guard errno == EEXIST else { throw Failure("\(path) cannot be made: \(String(cString: strerror(errno)))") }
        return false
    }

    /// The keys of this deployment, a first one made where none was ever; empty where others hold them.
    ///
    /// - Parameter pool: under `cardea_worker` or `cardea_admin`.
    static func ready(_ deployment: Deployment, _ pool: PostgresPool, by person: String = "cardea") async throws -> LogKeys {
        var keys = try LogKeys(deployment.settings)
        let known = try await LogKey.all(pool)
        if keys.signers.isEmpty {
            guard known.isEmpty else {
                StandardError.write(
                    "cardea: no signing key here, though this record has one: checkpoints are signed where it is (copy it to \(keys.path), or `cardea keys generate --rotate`)\n"
                )
                return keys
            }
            try deployment.settings.makeHome()
            guard let signer = NoteSigner(name: try await TreeStore(pool).name()) else {
                throw Failure("the deployment's name is no name for a key")
            }
            keys.signers = [signer]
            guard try keys.create() else {
                // Another process that began at the same time made one.
                return try await ready(deployment, pool, by: person)
            }
            StandardError.write("cardea: made a signing key, \(keys.path); `cardea keys show` prints what others verify with\n")
        }
        for signer in keys.signers where !known.contains(where: { $0.key == signer.verifier.key }) {
            try await LogKey.register(signer.verifier, name: known.isEmpty ? signer.verifier.name : nil, by: person, pool)
        }
        return keys
    }

    /// The signer of a deployment's checkpoints.
    func signer(_ store: TreeStore) async throws -> CheckpointSigner {
        CheckpointSigner(store, name: try await store.name(), keys: signers, kept: kept)
    }
}
