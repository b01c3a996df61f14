import AuditEvents
import LogFormats

/// Turns a log's lines into events with ids of their own: a pure part of the import.
///
/// An id is the time and a keyed hash of source, line and the line's ordinal among equal ones, and of the tenant where it is not the default
/// one; so importing a file again, or its rotated or compressed copy under the same source, stores nothing twice, and for another tenant
/// everything.
struct ImportedLines {
    /// Equal lines have equal times and so lie near each other: counts of lines longer ago than this many different ones are forgotten.
    static let memory = 500_000
    /// Events held back to be put in the order of their times.
    static let reorderWindow = 20_000

    /// Whose log: lines of Cardea's own may name another tenant and source than the import does.
    struct Origin: Hashable, Comparable {
        var tenant: String
        var source: String

        static func < (a: Origin, b: Origin) -> Bool { (a.tenant, a.source) < (b.tenant, b.source) }
    }

    /// Logs beyond these are not told to have ended; their windows close with time.
    static let maximumOrigins = 1000

    struct Counts {
        /// Whose events these are beside the import's own tenant and source.
        var origins: Set<Origin> = []
        var lines = 0
        var events = 0
        var skipped = 0
        var rejected = 0
        var first: Timestamp?
        var last: Timestamp?
        /// How often each reason for skipping or rejecting came.
        var reasons: [String: Int] = [:]
    }

    let source: String
    let tenant: String
    private let fingerprinter: Fingerprinter
    private var parser: LogParser
    private let now: Timestamp
    private let encoder = EventEncoder()
    private var recent: [UInt64: Int] = [:]
    private var older: [UInt64: Int] = [:]
    private var pending: [EncodedEvent] = []
    private(set) var counts = Counts()
    /// Lines that were rejected since they were last taken, with their reasons.
    var rejects: [(line: [UInt8], number: Int, reason: String)] = []
    private let keepsRejects: Bool

    init(source: String, tenant: String, fingerprinter: Fingerprinter, parser: LogParser, now: Timestamp, keepsRejects: Bool) {
        self.source = source
        self.tenant = tenant
        self.fingerprinter = fingerprinter
        self.parser = parser
        self.now = now
        self.keepsRejects = keepsRejects
    }

    var formatName: String? { parser.currentFormat?.name }

    mutating func take(_ line: LineSplitter.Line) {
        counts.lines += 1
        let bytes: ArraySlice<UInt8>
        switch line {
        case .line(let whole): bytes = whole
        case .tooLong(let prefix, _): bytes = prefix
        }
        switch parser.parse(line) {
        case .skipped(let reason):
            counts.skipped += 1
            note(reason)
        case .rejected(let reason): reject(bytes, reason)
        case .record(let record): add(record, bytes)
        }
    }

    private mutating func add(_ record: LogRecord, _ line: ArraySlice<UInt8>) {
        let ordinal = nextOrdinal(line, count: record.repetitions)
        var encoded: [EncodedEvent] = []
        for repetition in 0..<record.repetitions {
            let id = record.id ?? EventID(time: record.time, entropy: entropy(line, ordinal + repetition, record.tenant ?? tenant))
            let header = EventHeader(
                id: id, tenant: record.tenant ?? tenant, source: record.source ?? source, type: record.type, outcome: record.outcome,
                reason: record.reason, severity: record.severity, actorKind: record.actorKind, privileged: record.privileged,
                sensitivity: record.sensitivity, method: record.method, route: record.route, status: record.status,
                durationMicroseconds: record.durationMicroseconds)
            do throws(SinkRefusal) {
                encoded.append(try encoder.encode(AuditEvent(header: header, body: record.body), now: now))
            } catch {
                guard case .invalid(let reason) = error else { return reject(line, "refused") }
                return reject(line, reason)
            }
        }
        if let last = encoded.last?.header, last.tenant != tenant || last.source != source,
            counts.origins.count < ImportedLines.maximumOrigins
        {
            counts.origins.insert(Origin(tenant: last.tenant, source: last.source))
        }
        counts.events += encoded.count
        counts.first = min(counts.first ?? record.time, record.time)
        counts.last = max(counts.last ?? record.time, record.time)
        pending.append(contentsOf: encoded)
    }

    /// Events that may go now, in the order of their times: all but the newest window, or all of them at the end.
    mutating func ready(atEnd: Bool = false) -> [EncodedEvent] {
        guard atEnd || pending.count >= 2 * ImportedLines.reorderWindow else { return [] }
        pending.sort { $0.header.id < $1.header.id }
        let count = atEnd ? pending.count : pending.count - ImportedLines.reorderWindow
        let ready = Array(pending[..<count])
        pending.removeFirst(count)
        return ready
    }

    private mutating func reject(_ line: ArraySlice<UInt8>, _ reason: String) {
        counts.rejected += 1
        note(reason)
        if keepsRejects { rejects.append((Array(line), counts.lines, reason)) }
    }

    private mutating func note(_ reason: String) {
        if counts.reasons.count < 1000 || counts.reasons[reason] != nil { counts.reasons[reason, default: 0] += 1 }
    }

    private mutating func nextOrdinal(_ line: ArraySlice<UInt8>, count: Int) -> Int {
        let key = hash(line)
        let ordinal = recent[key] ?? older[key] ?? 0
        recent[key] = ordinal + count
        if recent.count >= ImportedLines.memory {
            older = recent
            recent = [:]
        }
        return ordinal
    }

    /// FNV-1a, 64 bits; a collision only skips an ordinal.
    private func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    private func entropy(_ line: ArraySlice<UInt8>, _ ordinal: Int, _ tenant: String) -> UInt64 {
        var message = Array(source.utf8)
        message.append(0)
        message.append(contentsOf: line)
        message.append(0)
        for shift in stride(from: 0, to: 64, by: 8) { message.append(UInt8(truncatingIfNeeded: ordinal >> shift)) }
        if tenant != "default" { message.append(contentsOf: tenant.utf8) }
        return fingerprinter.mac(message, purpose: .importedLine).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
