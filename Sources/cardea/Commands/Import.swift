import ArgumentParser
import AuditEvents
import EventStore
import Glibc
import LogFormats
import PostgreSQL

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Import log files into the record.",
        discussion: """
            Reads the logs of web servers and proxies, identity providers, databases, clouds, sshd, and Cardea's own JSON lines; plain, gzip, or \
            - for standard input. The format is found line by line unless --format names one. A bad line is counted and stops nothing. \
            Importing a file again stores nothing new. Alerts about what is imported are listed, and sent to nobody unless --deliver is given.

            Formats:
            \(LogFormat.all.map { "  " + $0.name.padded(to: 13) + $0.summary }.joined(separator: "\n"))

            Other JSON or logfmt lines: --mapping FILE, YAML or JSON, says which field is what:
              time: {field: ts, format: unix_ms}
              type: {field: event, values: {login_failed: authn_login_fail, login: authn_login_success}}
              reason: {field: why, values: {nouser: unknown_account}, default: bad_password}
              actor: user.name
              client_ip: [client_ip, remote]
            """)

    @Argument(help: ArgumentHelp("Log files; - is standard input.", valueName: "file"), completion: .file()) var files: [String]
    @Option(help: "The format of every line.") var format: String?
    @Option(help: ArgumentHelp("What the fields of JSON or logfmt lines mean.", valueName: "file"), completion: .file()) var mapping:
        String?
    @Option(help: "The year of syslog lines that have none. Default: found from the clock.") var year: Int?
    @Option(help: ArgumentHelp("The zone of times that have none: UTC, +02:00, Europe/Berlin.", valueName: "zone")) var timezone: String =
        "UTC"
    @Option(help: "The source's name in the record. Default: the file's name without rotation suffixes.") var source: String?
    @Option(help: "The tenant whose events these are.") var tenant: String = "default"
    @Option(help: ArgumentHelp("Write rejected lines with their reasons here, as JSON lines.", valueName: "file"), completion: .file())
    var rejects: String?
    @Flag(help: "Send the alerts about these events to the receivers, as those about live ones.") var deliver = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("Name at least one file, or - for standard input.") }
        if let format, LogFormat(name: format) == nil {
            throw ValidationError("There is no format '\(format)'. There are: \(LogFormat.all.map(\.name).joined(separator: ", ")).")
        }
        if format != nil, mapping != nil { throw ValidationError("--mapping is a format itself: give it or --format.") }
        if let year, !(1970...9999).contains(year) { throw ValidationError("--year goes from 1970 to 9999.") }
        guard LogTimeZone(timezone) != nil else { throw ValidationError("'\(timezone)' is no time zone: UTC, +02:00, Europe/Berlin.") }
        guard !tenant.isEmpty else { throw ValidationError("--tenant is empty.") }
    }

    func run() async throws {
        let named = try lineFormat()
        let deployment = try await Deployment.open(database)
        let rejectsFile = try rejects.map(RejectsFile.init)
        // A worker, which may also seal, and say that nobody is to be told.
        let (failed, incomplete) = try await deployment.withPool(.worker, connections: 2) { pool in
            let appender = Appender(pool, isQuiet: !deliver)
            return try await run(
                Importer(appender: appender, logger: deployment.logger, rejects: rejectsFile), Sealer(pool),
                Fingerprinter(key: try await appender.deploymentKey()), named)
        }
        if failed { throw ExitCode(1) }
        if incomplete { throw ExitCode(3) }
    }

    /// Whether a file could not be read at all, and whether one could not be read to its end.
    private func run(_ importer: Importer, _ sealer: Sealer, _ fingerprinter: Fingerprinter, _ named: LogFormat?) async throws -> (
        Bool, Bool
    ) {
        var (failed, incomplete) = (false, false)
        var printer = RowPrinter(output.output, columns: Import.columns)
        for file in files {
            do {
                let result = try await run(importer, sealer, file, fingerprinter, named)
                if let problem = result.problem {
                    StandardError.write("cardea: \(file): \(problem); what came before it was imported\n")
                    incomplete = true
                }
                if result.counts.rejected > 0 { explain(result) }
                if output.output == .table { StandardOutput.write(Import.summary(result) + "\n") } else { printer.print([result.json]) }
            } catch let error as Failure where files.count > 1 {
                StandardError.write("cardea: \(error.message)\n")
                failed = true
            }
        }
        if output.output != .table { printer.finish() }
        return (failed, incomplete)
    }

    private func run(_ importer: Importer, _ sealer: Sealer, _ file: String, _ fingerprinter: Fingerprinter, _ named: LogFormat?)
        async throws -> Importer.Result
    {
        let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("\(file) cannot be opened: \(String(cString: strerror(errno)))") }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { throw Failure("\(file) is a folder") }
        let now = Timestamp.now()
        let lines = ImportedLines(
            source: source ?? SourceName.of(file), tenant: tenant, fingerprinter: fingerprinter,
            parser: LogParser(
                format: named, options: .init(year: year, timeZone: LogTimeZone(timezone) ?? .utc, now: now)
            ),
            now: now, keepsRejects: importer.rejects != nil)
        var bar = ProgressBar(file, totalBytes: status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil)
        defer { bar.clear() }
        let result = try await importer.run(descriptor, file: file, lines: lines) { bar.update(bytes: $0, events: $1) }
        // The events first: the note that the log has ended comes after them in the order, too.
        try await sealer.sealAll()
        let notes = try ([.init(tenant: tenant, source: result.source)] + result.counts.origins.sorted()).map { origin in
            try EventEncoder().encode(Importer.event(result, of: origin), now: .now())
        }
        try await importer.appender.append(notes)
        try await sealer.sealAll()
        return result
    }

    /// The format that --format or --mapping names.
    private func lineFormat() throws -> LogFormat? {
        guard let mapping else { return format.flatMap(LogFormat.init(name:)) }
        let descriptor = open(mapping, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(
                "the mapping \(mapping) cannot be opened: \(String(cString: strerror(errno)))",
                hint: "name a file of YAML or JSON; `cardea help import` shows one")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: FieldMapping.maximumBytes + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes[length...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure("the mapping \(mapping) cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            length += count
        }
        let text = String(decoding: bytes[..<length], as: UTF8.self)
        do throws(FieldMappingError) { return .mapped(try FieldMapping(parsing: text)) } catch {
            throw Failure("\(mapping): \(error)", hint: "`cardea help import` shows a mapping")
        }
    }

    private func explain(_ result: Importer.Result) {
        var text = ""
        for (reason, count) in result.counts.reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(5) {
            text += "  \(count) × \(RowPrinter.visible(reason))\n"
        }
        let hint = rejects == nil ? "keep them with --rejects FILE" : "see \(rejects ?? "")"
        StandardError.write(
            "cardea: \(result.file): \(result.counts.rejected) lines rejected (\(hint)); most frequent reasons, skipped lines included:\n\(text)"
        )
    }

    static func summary(_ result: Importer.Result) -> String {
        var text = "\(RowPrinter.visible(result.file)): \(result.counts.lines) lines, \(result.counts.events) events"
        text +=
            " (\(result.stored) new, \(result.known) already known), \(result.counts.skipped) skipped, \(result.counts.rejected) rejected"
        if let first = result.counts.first, let last = result.counts.last { text += "; \(first) to \(last)" }
        return text
    }

    private static let columns: [RowPrinter.Column] = [
        .init("file"), .init("source"), .init("format"), .init("lines"), .init("events"), .init("stored"), .init("already_known"),
        .init("skipped"),
        .init("rejected"), .init("first"), .init("last"), .init("problem"),
    ]
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - utf8.count)) }
}
