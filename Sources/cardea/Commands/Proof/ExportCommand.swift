import ArgumentParser
import AuditEvents
import Compliance
import EventStore
import Glibc
import PostgreSQL
import TransparencyLog

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a package for an auditor, which proves itself.",
        discussion: """
            A folder, or a tar where PACKAGE ends in .tar: the matching events as JSON lines, CSV and OCSF, a page to read, and the proof that they are \
            what was recorded and that none of the period is missing. `cardea verify PACKAGE --vkey K` checks it, offline. The same query at the same \
            checkpoint gives the same bytes. An export that was interrupted goes on when it is asked for again. Making one is an event on the record.
            """)

    @OptionGroup var filters: FilterOptions
    @Option(help: ArgumentHelp("The folder to make, or a file that ends in .tar.", valueName: "package")) var out: String
    @Option(
        help: ArgumentHelp("Stand on the newest checkpoint with at most so many leaves. Default: a new one.", valueName: "size"))
    var at: Int64?
    @Option(
        help: ArgumentHelp("Also show consistency with this checkpoint, which the auditor kept. May be repeated.", valueName: "checkpoint"))
    var held: [String] = []
    @Flag(help: "Show headers alone, no body.") var redact = false
    @Option(help: ArgumentHelp("Of bodies only these members, as actor.id,client.ip: told, not provable.", valueName: "fields"))
    var disclose: [String] = []
    @Option(help: ArgumentHelp("Which forms beside events.jsonl: csv, ocsf, html, oscal, or none. Default: all.", valueName: "forms"))
    var format: [String] = []
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if redact, !disclose.isEmpty { throw ValidationError("--redact shows nothing of bodies, --disclose something.") }
        if let at, at < 1 { throw ValidationError("--at is 1 or more.") }
        _ = try forms()
        _ = try filters.filter(now: .now())
        guard !out.isEmpty else { throw ValidationError("--out is empty.") }
    }

    private func forms() throws -> Set<ExportRequest.Form> {
        let names = try OptionValues.split(format, "--format")
        if names.isEmpty { return Set(ExportRequest.Form.allCases) }
        return Set(
            try names.filter { $0 != "none" && $0 != "jsonl" }.map { name in
                guard let form = ExportRequest.Form(rawValue: name) else {
                    throw ValidationError("'\(name)' is not csv, ocsf, html, oscal or none.")
                }
                return form
            })
    }

    func run() async throws {
        var path = out
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard access(path, F_OK) != 0 else {
            throw Failure("there is something at \(path) already", hint: "Name another place, or remove it.", status: 2)
        }
        let isArchive = path.hasSuffix(".tar")
        let partial = path + ".partial"
        let filter = try filters.filter(now: .now())
        let query = filter.expression
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.worker, connections: 4) { pool in
            if at == nil { try await ProofDesk.bringUpToDate(deployment, pool, by: person.name) }
            let keys = try LogKeys(deployment.settings)
            guard !keys.signers.isEmpty else {
                throw Failure("there is no signing key here", hint: "Export where the key is, or copy it to \(keys.path).")
            }
            var request = ExportRequest(query: query.text, condition: query.condition, since: query.since, until: query.until)
            request.forms = try forms()
            request.atMost = at ?? .max
            request.held = try held.flatMap(VerifyLog.held)
            request.disclosure = redact ? .none : disclose.isEmpty ? .all : .members(try OptionValues.split(disclose, "--disclose"))
            var shown = ContinuousClock.now
            let made = try await Exporter(pool, signer: try await keys.signer(TreeStore(pool))).export(request, into: partial) {
                done, total in
                guard StandardError.isTerminal, ContinuousClock.now - shown > .milliseconds(200) else { return }
                shown = .now
                StandardError.write("\r\u{1b}[K\(done) of \(total) leaves")
            }
            if StandardError.isTerminal { StandardError.write("\r\u{1b}[K") }
            if isArchive {
                try Exporter.pack(partial, to: path)
                Files.removeTree(partial)
            } else {
                guard rename(partial, path) == 0 else { throw Failure("\(path) cannot be made: \(String(cString: strerror(errno)))") }
            }
            try await OwnAct(
                EventType("audit_export_made"), by: person.name, target: "export/\(made.sha256.prefix(16))",
                details: [
                    "query": .string(request.query), "manifest_sha256": .string(made.sha256), "matches": .int(Int64(made.matches)),
                    "leaves": .int(Int64(made.events)), "bytes": .int(made.bytes),
                    "sizes": .object(JSONObject(made.sizes.map { ("\($0.key)", .int(Int64($0.value))) })),
                ]
            ).append(pool)
            StandardError.write(
                "cardea: \(path): \(made.matches) matches among \(made.events) leaves, \(made.bytes) bytes; verify it with `cardea verify \(path) --vkey K`\n"
            )
            if made.withheld > 0, !redact, disclose.isEmpty {
                StandardError.write("cardea: \(made.withheld) matches have no body any more: erased\n")
            }
        }
    }
}
