import ArgumentParser
import AuditEvents
import Compliance
import EventStore
import Glibc
import PostgreSQL
import TransparencyLog

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify an export or a proof, offline; or the whole record.",
        discussion: """
            Exit status: 0 valid, 1 tampered, 2 wrong usage, 3 incomplete. What is said to hold is said with the tier that can be claimed: \
            tamper-detecting (the log's key alone: who has the key and the database could have written everything anew) or tamper-evident since \
            a time (a witness signed then, or you held a checkpoint of then).
            """,
        subcommands: [VerifyPackage.self, VerifyLog.self], defaultSubcommand: VerifyPackage.self)
}

struct VerifyLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Compare the database with its own tree, and with every checkpoint that was kept.",
        discussion: """
            Every event's header, body and copied columns, every index, tile and checkpoint: what was edited, deleted, put in, moved or cut off is \
            named. A worker does this by itself once a day (verify.intervalHours). The end is an event on the record.
            """)

    @Option(help: ArgumentHelp("Only this shard.", valueName: "number")) var shard: Int32?
    @Option(
        help: ArgumentHelp("A key that checkpoints must be signed with, beside those in HOME/log.key. May be repeated.", valueName: "vkey"))
    var vkey: [String] = []
    @Option(
        help: ArgumentHelp("A checkpoint kept elsewhere: its file, or a folder of tiles (--tiles). May be repeated.", valueName: "path"))
    var against: [String] = []
    @Flag(help: "Go on where the last run was interrupted.") var resume = false
    @Flag(help: "Leave no event about it; the role cardea_reader is enough then.") var noRecord = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    static let columns: [RowPrinter.Column] = ["kind", "shard", "index", "event", "message"].map { .init($0) }

    func run() async throws {
        let deployment = try await Deployment.open(database)
        let own = try LogKeys(deployment.settings)
        let keys = try ProofDesk.verifiers(vkey, own)
        let held = try against.flatMap(VerifyLog.held)
        let state = deployment.settings.home + "/verify-log.json"
        let findings = try await deployment.withPool(noRecord ? .reader : .worker, connections: 3) { pool in
            if !noRecord { try await Sealer(pool).sealAll() }
            let shards = try await Sealer(pool).shards()
            if let shard, !shards.contains(shard) {
                throw Failure(
                    "there is no shard \(shard)", hint: "There are \(shards.map(String.init).joined(separator: ", ")).", status: 2)
            }
            let name = try await TreeStore(pool).name()
            for one in held where !shards.contains(where: { TreeStore.origin(name, shard: $0) == one.origin }) {
                throw Failure("\(one.from) is of the log \(one.origin), which is not one of this record's", status: 2)
            }
            var from = resume ? VerifyLog.position(state) : nil
            if resume, from == nil { StandardError.write("cardea: nothing was interrupted; verifying from the beginning\n") }
            var printer = RowPrinter(output.output, columns: VerifyLog.columns)
            var total = 0
            var found: [JSONObject] = []
            var summaries: [LogVerifier.Summary] = []
            for shard in shards where self.shard.map({ $0 == shard }) ?? true {
                if let position = from, shard < position.shard { continue }
                let here = try await LogVerifier.held(own.kept, shard, pool)
                let verifier = LogVerifier(pool, keys: keys, held: held + here)
                let begun = ContinuousClock.now
                var kept = ContinuousClock.now
                let summary = try await verifier.verify(
                    shard, from: from?.shard == shard ? from : nil,
                    progress: { position, size in
                        if StandardError.isTerminal {
                            StandardError.write("\r\u{1b}[Kshard \(shard): \(position.index) of \(size) leaves")
                        }
                        guard ContinuousClock.now - kept > .seconds(1) else { return }
                        kept = .now
                        try? Files.write(CanonicalJSON.encode(.object(position.json)), state, mode: 0o600)
                    },
                    found: { finding in
                        total += 1
                        guard total <= 1000 else { return }
                        if output.output == .json { found.append(finding.json) } else { printer.print([finding.json]) }
                    })
                from = nil
                if StandardError.isTerminal { StandardError.write("\r\u{1b}[K") }
                StandardError.write("cardea: " + summary.line(seconds: (ContinuousClock.now - begun) / .seconds(1)) + "\n")
                if !noRecord { try await LogVerifier.record(summary, by: person.name, pool) }
                summaries.append(summary)
            }
            unlink(state)
            if total > 1000 { StandardError.write("cardea: \(total - 1000) more findings are not printed\n") }
            if output.output == .json {
                let verdict: JSONObject = [
                    "verdict": total == 0 ? "valid" : "tampered", "claim": .string(VerifyLog.tier(summaries, keys: keys, held: held)),
                    "shards": .array(summaries.map { .object($0.json) }), "findings": .array(found.map(JSONValue.object)),
                ]
                StandardOutput.write(RowPrinter.text(.object(verdict)) + "\n")
            } else {
                printer.finish()
            }
            StandardError.write("cardea: \(VerifyLog.tier(summaries, keys: keys, held: held))\n")
            return summaries.reduce(0) { $0 + $1.findings }
        }
        if findings > 0 {
            throw Failure(
                "the record is not what was sealed: \(findings) findings",
                hint: "Keep a copy of the database as it is; `cardea alerts` tells who is told.")
        }
        StandardError.write("cardea: the record is what was sealed\n")
    }

    /// What can be claimed of a record that its own tree agrees with.
    static func tier(_ summaries: [LogVerifier.Summary], keys: [NoteVerifier], held: [LogVerifier.Held]) -> String {
        if !held.isEmpty { return "tamper-evident since the checkpoints held elsewhere (\(held.map(\.from).joined(separator: ", ")))" }
        if summaries.allSatisfy({ $0.signed == 0 }) {
            return "no signature was looked at (no key here): changes that took the tree along cannot be seen"
        }
        return
            "tamper-detecting: who has the key and the database could have written everything anew; --against a checkpoint kept elsewhere says more"
    }

    private static func position(_ path: String) -> LogVerifier.Position? {
        (try? Files.read(path)).flatMap { try? JSONValue(parsing: $0).object }.flatMap(LogVerifier.Position.init(json:))
    }

    /// The checkpoints of a file, or of a folder of tiles.
    static func held(_ path: String) throws -> [LogVerifier.Held] {
        func read(_ path: String) throws -> LogVerifier.Held? {
            guard let bytes = try Files.read(path) else { return nil }
            do { return LogVerifier.Held(try Checkpoint(SignedNote(bytes).text), from: path) } catch {
                throw Failure("\(path) is no checkpoint: \(error)", status: 2)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure("there is no \(path)", status: 2) }
        if status.st_mode & S_IFMT != S_IFDIR { return try read(path).map { [$0] } ?? [] }
        let found = try read(path + "/checkpoint").map { [$0] } ?? (0..<1024).compactMap { try read("\(path)/\($0)/checkpoint") }
        guard !found.isEmpty else { throw Failure("there is no checkpoint in \(path)", status: 2) }
        return found
    }
}

extension LogVerifier.Summary {
    var json: JSONObject {
        [
            "shard": .int(Int64(shard)), "leaves": .int(Int64(size)), "checkpoints": .int(Int64(checkpoints)),
            "signed": .int(Int64(signed)),
            "waiting": .int(waiting), "findings": .int(Int64(findings)),
        ]
    }

    func line(seconds: Double) -> String {
        let rate = seconds > 0 ? Int(Double(size) / seconds) : 0
        return
            "shard \(shard): \(size) leaves, \(checkpoints) checkpoints (\(signed) signed by a known key), \(waiting) events not hashed yet, \(findings) findings; \(rate) leaves/s"
    }
}
