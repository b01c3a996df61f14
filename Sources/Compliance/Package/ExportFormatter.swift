import AuditEvents
import EventStore
import PostgreSQL

/// Turns rows of the record into the lines of a package. Pure.
struct ExportFormatter: Sendable {
    struct Output: Sendable {
        var lines: [UInt8] = []
        var csv: [UInt8] = []
        var ocsf: [UInt8] = []
        var events = 0
        var matches = 0
    }

    let shard: Int32
    let disclosure: ExportRequest.Disclosure
    let forms: Set<ExportRequest.Form>

    static let csvColumns = [
        "shard", "index", "time", "type", "outcome", "reason", "severity", "actor_kind", "actor_id", "actor_name", "client_ip",
        "user_agent",
        "method", "route", "path", "status", "duration_us", "target", "session", "token", "request_id", "source", "service", "tenant",
        "privileged", "sensitivity", "details", "id", "sealed_at", "body_hash", "withheld",
    ]

    /// - Parameter pruned: the hash of a leaf whose event is gone.
    func format(_ rows: [ExportRow], _ totals: inout ExportTotals) -> Output {
        var out = Output()
        out.lines.reserveCapacity(rows.count * 700)
        for row in rows {
            out.events += 1
            guard let leaf = row.leaf else {
                let line: JSONObject = [
                    "index": .int(row.index), "leaf_hash": .string(row.prunedHash ?? ""), "shard": .int(Int64(shard)), "withheld": "pruned",
                ]
                CanonicalJSON.append(.object(line), to: &out.lines)
                out.lines.append(0x0a)
                totals.countPruned()
                continue
            }
            var telling = EventLeaf.Telling(shard: shard, index: row.index)
            var body = JSONObject()
            if row.isMatch {
                telling.isMatch = true
                let whole = row.body.flatMap { try? JSONValue(parsing: $0.utf8, maximumDepth: 1000, keepsLargeIntegers: false).object }
                switch (whole, disclosure) {
                case (nil, _): telling.withheld = "erased"
                case (let whole?, .all):
                    body = whole
                    telling.body = CanonicalJSON.encode(.object(whole))
                    telling.salt = row.salt
                case (_, .none): telling.withheld = "redacted"
                case (let whole?, .members(let names)):
                    telling.withheld = "redacted"
                    body = whole.keeping(names)
                    telling.disclosed = body
                }
                out.matches += 1
                if forms.contains(.csv) { ExportFormatter.appendCSV(leaf, telling, body, to: &out.csv) }
                if forms.contains(.ocsf) { ExportFormatter.appendOCSF(leaf, body, to: &out.ocsf) }
            }
            leaf.append(telling, to: &out.lines)
            out.lines.append(0x0a)
            totals.count(leaf, telling)
        }
        return out
    }

    /// A line of `ocsf.jsonl`.
    static func appendOCSF(_ leaf: EventLeaf, _ body: JSONObject, to out: inout [UInt8]) {
        CanonicalJSON.append(.object(OCSFEvent.json(AuditEvent(leaf, body))), to: &out)
        out.append(0x0a)
    }

    /// A row of `events.csv`.
    static func appendCSV(_ leaf: EventLeaf, _ telling: EventLeaf.Telling, _ body: JSONObject, to out: inout [UInt8]) {
        let (actor, client) = (body["actor"]?.object, body["client"]?.object)
        let details = body["details"].map { String(decoding: CanonicalJSON.encode($0), as: UTF8.self) }
        CSVRow.append(
            [
                String(telling.shard), String(telling.index), leaf.time.description, leaf.type, leaf.outcome, leaf.reason,
                String(leaf.severity),
                leaf.actorKind, actor?["id"]?.string, actor?["name"]?.string, client?["ip"]?.string, client?["user_agent"]?.string,
                leaf.method, leaf.route, body["path"]?.string, leaf.status.map { String($0) }, leaf.durationMicroseconds.map { String($0) },
                body["target"]?.string, body["session"]?.string, body["token"]?.object?["fingerprint"]?.string, body["request_id"]?.string,
                leaf.source, body["service"]?.string, leaf.tenant, leaf.privileged ? "true" : "false", leaf.sensitivity, details, leaf.id,
                leaf.sealedAt.description, Hexadecimal.encode(leaf.bodyHash), telling.withheld,
            ], to: &out)
    }
}

/// A row of the log as an export reads it.
struct ExportRow: Sendable {
    var index: Int64
    /// Nil where the event left the record.
    var leaf: EventLeaf?
    var isMatch: Bool
    var body: String?
    var salt: [UInt8]?
    /// Base64, where there is no leaf.
    var prunedHash: String?
}

extension JSONObject {
    /// The members at these paths (`actor.id`) alone.
    func keeping(_ paths: [String]) -> JSONObject {
        paths.reduce(into: JSONObject()) { kept, path in
            keep(path.split(separator: ".").map(String.init)[...], in: &kept)
        }
    }

    private func keep(_ path: ArraySlice<String>, in kept: inout JSONObject) {
        guard let key = path.first, let value = self[key] else { return }
        guard path.count > 1 else {
            kept[key] = value
            return
        }
        var inner = kept[key]?.object ?? [:]
        value.object?.keep(path.dropFirst(), in: &inner)
        if !inner.isEmpty { kept[key] = .object(inner) }
    }
}

extension AuditEvent {
    /// The event of a leaf, as far as its body is shown; words that this version does not know are read as unknown.
    init(_ leaf: EventLeaf, _ body: JSONObject) {
        let id = EventID(leaf.id) ?? EventID(time: leaf.time, entropy: 0)
        self.init(
            header: EventHeader(
                id: id, tenant: leaf.tenant, source: leaf.source, type: EventType(leaf.type),
                outcome: Outcome(rawValue: leaf.outcome) ?? .unknown,
                reason: leaf.reason, severity: Severity(rawValue: leaf.severity) ?? .unknown,
                actorKind: ActorKind(rawValue: leaf.actorKind) ?? .anonymous,
                privileged: leaf.privileged, sensitivity: leaf.sensitivity.flatMap(Sensitivity.init), method: leaf.method,
                route: leaf.route,
                status: leaf.status, durationMicroseconds: leaf.durationMicroseconds),
            body: (try? EventBody(json: body)) ?? EventBody(details: body))
    }
}
