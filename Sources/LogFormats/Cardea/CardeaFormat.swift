import AuditEvents

/// Cardea's own JSON lines: one event a line, as `query -o jsonl` prints them. Members that are no part of an event (`shard`, `index`,
/// `sealed_at`) are ignored.
struct CardeaFormat: LineFormat {
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine? {
        let start = line.trimmed
        guard start.first == UInt8(ascii: "{") else { return nil }
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: start) } catch { return .rejected(reason: "not JSON: \(error)") }
        // Somebody else's JSON: not ours to complain of.
        guard let object = value.object, object["type"]?.string != nil, object["id"]?.string != nil || object["time"]?.string != nil else {
            return nil
        }
        do throws(EventFormError) {
            return .record(LogRecord(try AuditEvent(json: value), hasID: object["id"]?.string != nil))
        } catch {
            if error.field == "id", Self.idAndTimeDisagree(object) { return .rejected(reason: "the id and the time of the event disagree") }
            return .rejected(reason: "not an event: \(error)")
        }
    }

    private static func idAndTimeDisagree(_ object: JSONObject) -> Bool {
        guard let id = object["id"]?.string.flatMap(EventID.init), let time = object["time"]?.string.flatMap(Timestamp.init) else {
            return false
        }
        return id.time != time
    }
}

extension LogRecord {
    fileprivate init(_ event: AuditEvent, hasID: Bool) {
        let header = event.header
        self.init(
            time: header.time, type: header.type, outcome: header.outcome, reason: header.reason, severity: header.severity,
            actorKind: header.actorKind, privileged: header.privileged, sensitivity: header.sensitivity, method: header.method,
            route: header.route, status: header.status, durationMicroseconds: header.durationMicroseconds, body: event.body,
            id: hasID ? header.id : nil, tenant: header.tenant, source: header.source)
    }
}
