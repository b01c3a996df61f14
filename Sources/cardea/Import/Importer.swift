import AuditEvents
import EventStore
import Glibc
import LogFormats
import Logging
import PostgreSQL

/// Imports one log into the record: reads, stores in the order of events' times, seals, and notes the import itself.
struct Importer {
    static let batchSize = 2000

    struct Result {
        var file: String
        var format: String?
        var source: String
        var counts: ImportedLines.Counts
        var stored = 0
        /// Why the file could not be read to its end.
        var problem: String?

        var known: Int { counts.events - stored }

        var json: JSONObject {
            [
                "file": .string(file), "format": format.map(JSONValue.string) ?? .null, "source": .string(source),
                "lines": .int(Int64(counts.lines)),
                "events": .int(Int64(counts.events)), "stored": .int(Int64(stored)), "already_known": .int(Int64(known)),
                "skipped": .int(Int64(counts.skipped)), "rejected": .int(Int64(counts.rejected)),
                "first": counts.first.map { .string($0.description) } ?? .null,
                "last": counts.last.map { .string($0.description) } ?? .null,
                "reasons": .object(JSONObject(counts.reasons.map { ($0.key, .int(Int64($0.value))) })),
                "problem": problem.map(JSONValue.string) ?? .null,
            ]
        }
    }

    let appender: Appender
    let logger: Logger
    /// Where rejected lines go; nil: they are only counted.
    var rejects: RejectsFile?

    /// Imports what `descriptor` gives.
    func run(
        _ descriptor: Int32, file: String, lines: consuming ImportedLines, progress: (_ bytesRead: Int, _ events: Int) -> Void
    ) async throws -> Result {
        var lines = lines
        var input = LogInput()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var stored = 0
        var bytesRead = 0
        var problem: String?
        var partitions = Partitions(appender)
        do {
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 {
                    let reason = String(cString: strerror(errno))
                    guard bytesRead > 0 else { throw Failure("\(file) cannot be read: \(reason)") }
                    // What was read is kept, as of a gzip stream that ends early.
                    problem = "it cannot be read further: \(reason)"
                    break
                }
                if count == 0 { break }
                bytesRead += count
                try input.push(buffer[..<count]) { lines.take($0) }
                stored += try await store(lines.ready(), &partitions)
                try rejects?.write(&lines.rejects, file: file)
                progress(bytesRead, lines.counts.events)
                try Task.checkCancellation()
            }
            if problem == nil { try input.finish { lines.take($0) } }
        } catch let error as LogInputError {
            problem = error.detail
        }
        stored += try await store(lines.ready(atEnd: true), &partitions)
        try rejects?.write(&lines.rejects, file: file)
        progress(bytesRead, lines.counts.events)
        return Result(
            file: file, format: lines.formatName, source: lines.source, counts: lines.counts, stored: stored, problem: problem)
    }

    private func store(_ events: [EncodedEvent], _ partitions: inout Partitions) async throws -> Int {
        var stored = 0
        var rest = events[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Importer.batchSize))
            rest = rest.dropFirst(batch.count)
            try await partitions.cover(batch)
            stored += try await append(batch)
        }
        return stored
    }

    /// A server that restarts is waited for; storing a batch again stores nothing twice.
    private func append(_ batch: [EncodedEvent]) async throws -> Int {
        var delay = Duration.milliseconds(100)
        for _ in 0..<10 {
            do {
                return try await appender.append(batch)
            } catch let error as PostgresError where error.isTransient {
                logger.warning("The database is away; trying again", metadata: ["error": "\(error)"])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(5))
            }
        }
        return try await appender.append(batch)
    }

    /// The event of the import itself, which also tells detection that this source's log has ended.
    static func event(_ result: Result, of origin: ImportedLines.Origin) -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: EventID(time: .now()), tenant: origin.tenant, source: origin.source, type: .auditImport,
                outcome: result.problem == nil ? .success : .error, actorKind: .system),
            body: EventBody(
                details: [
                    "file": .string(result.file), "format": result.format.map(JSONValue.string) ?? .null,
                    "lines": .int(Int64(result.counts.lines)), "events": .int(Int64(result.counts.events)),
                    "stored": .int(Int64(result.stored)), "skipped": .int(Int64(result.counts.skipped)),
                    "rejected": .int(Int64(result.counts.rejected)),
                ]))
    }

    /// Which times have their partitions already.
    private struct Partitions {
        let appender: Appender
        var covered: ClosedRange<Timestamp>?

        init(_ appender: Appender) { self.appender = appender }

        mutating func cover(_ events: [EncodedEvent]) async throws {
            guard let first = events.first?.header.time, let last = events.last?.header.time else { return }
            if let covered, covered.contains(first), covered.contains(last) { return }
            try await appender.ensurePartitions(since: first, until: last)
            covered = min(covered?.lowerBound ?? first, first)...max(covered?.upperBound ?? last, last)
        }
    }
}

/// Rejected lines with their reasons, as JSON lines: `file`, `line`, `reason`, `text`.
final class RejectsFile {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws {
        self.path = path
        descriptor = path == "-" ? STDERR_FILENO : open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure("the rejects file \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    deinit { if descriptor > 2 { close(descriptor) } }

    func write(_ rejects: inout [(line: [UInt8], number: Int, reason: String)], file: String) throws {
        var out: [UInt8] = []
        for reject in rejects {
            let text = String(decoding: reject.line, as: UTF8.self)
            CanonicalJSON.append(
                .object([
                    "file": .string(file), "line": .int(Int64(reject.number)), "reason": .string(reject.reason),
                    "text": .string(Redaction.redact(text) ?? text),
                ]), to: &out)
            out.append(UInt8(ascii: "\n"))
        }
        rejects = []
        var written = 0
        while written < out.count {
            let count = out.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, out.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure("the rejects file \(path) cannot be written: \(String(cString: strerror(errno)))")
            }
            written += count
        }
    }
}
