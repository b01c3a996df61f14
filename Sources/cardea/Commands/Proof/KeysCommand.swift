import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL
import TransparencyLog

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The keys that sign checkpoints and exports.",
        discussion: """
            The private key lies in HOME/log.key (0600), or comes as CARDEA_LOG_KEY; whoever holds it can sign, so keep it where the database's \
            superuser is not. What `keys show` prints as vkey is public: give it to whoever is to verify, by another way than the exports.
            """,
        subcommands: [Generate.self, Show.self, Retire.self], defaultSubcommand: Show.self)

    static let columns: [RowPrinter.Column] = ["origin", "state", "created_at", "retired_at", "key_id", "vkey"].map { .init($0) }

    /// A row for each key and shard: a log's key carries the log's name.
    static func rows(_ pool: PostgresPool, signing: [NoteSigner]) async throws -> [JSONObject] {
        let store = TreeStore(pool)
        let name = try await store.name()
        let shards = try await Sealer(pool).shards()
        return try await LogKey.all(pool).flatMap { key in
            shards.compactMap { shard -> JSONObject? in
                let origin = TreeStore.origin(name, shard: shard)
                guard let verifier = NoteVerifier(name: origin, key: key.key) else { return nil }
                let isHere = signing.contains { $0.verifier.key == key.key }
                return [
                    "origin": .string(origin), "shard": .int(Int64(shard)), "vkey": .string(verifier.text),
                    "key_id": .string(verifier.hex), "created_at": .string(key.createdAt.description),
                    "retired_at": key.retiredAt.map { .string($0.description) } ?? .null,
                    "state": .string(key.retiredAt != nil ? "retired" : isHere ? "signs here" : "signs elsewhere"),
                ]
            }
        }
    }

    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the signing key, where there is none, and print what verifies it.",
            discussion: """
                With --rotate a further key is made: from then on both sign, so that who knows only the old one is not left behind; `keys retire` \
                ends the old one. Checkpoints of old keys stay valid under them.
                """)

        @Option(help: "What the logs are called, as log.example.com/shop; before the first key only. Default: a made-up name.") var name:
            String?
        @Flag(help: "Make a new key though there is one.") var rotate = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            if let name, NoteSigner(name: name) == nil || name.utf8.count > 200 || name.utf8.contains(where: { $0 < 0x21 || $0 > 0x7e }) {
                throw ValidationError("--name is 1 to 200 printable ASCII characters, without blanks and without '+'.")
            }
        }

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.worker, connections: 1) { pool in
                var keys = try LogKeys(deployment.settings)
                let known = try await LogKey.all(pool)
                let present = try await TreeStore(pool).name()
                if let name, name != present, !known.isEmpty {
                    throw Failure("the logs are called \(present) already, and checkpoints carry that name")
                }
                if keys.isGiven {
                    throw Failure(
                        "the key is given as CARDEA_LOG_KEY, and no file is written", hint: "Unset it to make one in \(keys.path).")
                }
                if keys.signers.isEmpty || rotate {
                    guard keys.signers.isEmpty ? known.isEmpty || rotate : true else {
                        throw Failure(
                            "this record has a signing key, though not here",
                            hint: "Copy it to \(keys.path), or make another: `cardea keys generate --rotate`.")
                    }
                    guard let signer = NoteSigner(name: name ?? present) else { throw Failure("'\(name ?? present)' is no name for a key") }
                    try deployment.settings.makeHome()
                    keys.signers.insert(signer, at: 0)
                    try keys.save()
                    try await LogKey.register(signer.verifier, name: known.isEmpty ? name : nil, by: person.name, pool)
                    StandardError.write("cardea: made \(keys.path)\n")
                } else {
                    StandardError.write("cardea: there is a key already, \(keys.path); --rotate makes a further one\n")
                    for signer in keys.signers { try await LogKey.register(signer.verifier, by: person.name, pool) }
                }
                var printer = RowPrinter(output.output, columns: KeysCommand.columns)
                printer.print(try await KeysCommand.rows(pool, signing: keys.signers))
                printer.finish()
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What verifies checkpoints and exports: a vkey for each key and shard.")
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            let keys = try LogKeys(deployment.settings)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let rows = try await KeysCommand.rows(pool, signing: keys.signers)
                if rows.isEmpty { StandardError.write("cardea: there is no key yet; `cardea keys generate` makes one\n") }
                var printer = RowPrinter(output.output, columns: KeysCommand.columns)
                printer.print(rows)
                printer.finish()
            }
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a key sign no more: its private half leaves the file.",
            discussion: "Restart `up` and workers afterwards, or they go on signing with it. What it signed stays valid under its vkey.")
        @Argument(help: "The key's id or vkey, as `keys show` prints them.") var key: String
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            try await deployment.withPool(.worker, connections: 1) { pool in
                var keys = try LogKeys(deployment.settings)
                let rows = try await KeysCommand.rows(pool, signing: keys.signers)
                guard let row = rows.first(where: { $0["key_id"]?.string == key || $0["vkey"]?.string == key }),
                    let verifier = try row["vkey"]?.string.map({ try NoteVerifier($0) })
                else { throw Failure("there is no key '\(RowPrinter.visible(key))'", hint: "`cardea keys show` lists them.") }
                let left = keys.signers.filter { $0.verifier.key != verifier.key }
                guard !left.isEmpty else {
                    throw Failure("it is the only key that signs here", hint: "Make its successor first: `cardea keys generate --rotate`.")
                }
                if left.count < keys.signers.count {
                    guard !keys.isGiven else { throw Failure("the key is given as CARDEA_LOG_KEY", hint: "Take it out of there.") }
                    keys.signers = left
                    try keys.save()
                }
                guard try await LogKey.retire(verifier, by: person.name, pool) else { throw Failure("it was retired before") }
            }
            StandardError.write("cardea: the key signs no more\n")
        }
    }
}
