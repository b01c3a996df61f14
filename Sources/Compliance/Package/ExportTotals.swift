import AuditEvents

/// What a package counts: made from its lines by who writes it, and again by who verifies it.
struct ExportTotals: Sendable, Hashable {
    private(set) var events = 0
    private(set) var matches = 0
    private(set) var withheld = 0
    /// Leaves whose events left the record past retention: shown as hashes alone.
    private(set) var pruned = 0
    private(set) var byType: [String: Int] = [:]
    private(set) var byOutcome: [String: Int] = [:]
    private(set) var bySource: [String: Int] = [:]
    private(set) var byTenant: [String: Int] = [:]
    /// By day, UTC.
    private(set) var byDay: [String: Int] = [:]
    private(set) var first: String?
    private(set) var last: String?
    /// When the newest leaf that is shown was sealed: the only clock of a package.
    private(set) var sealedAt = Timestamp.epoch

    /// Of types, sources and tenants at most so many are counted apart: a hostile application could make one for each event.
    static let maximumNames = 1000

    /// Counts an event of the range, and where the query asked for it what it says.
    mutating func count(_ leaf: EventLeaf, _ telling: EventLeaf.Telling) {
        events += 1
        sealedAt = max(sealedAt, leaf.sealedAt)
        guard telling.isMatch else { return }
        matches += 1
        if telling.withheld != nil { withheld += 1 }
        ExportTotals.count(leaf.type, &byType)
        ExportTotals.count(leaf.outcome, &byOutcome)
        ExportTotals.count(leaf.source, &bySource)
        ExportTotals.count(leaf.tenant, &byTenant)
        let time = leaf.time.description
        ExportTotals.count(String(time.prefix(10)), &byDay, limit: 100_000)
        if first.map({ time < $0 }) ?? true { first = time }
        if last.map({ time > $0 }) ?? true { last = time }
    }

    /// Takes the leaf before those that are shown, which a package without any has alone.
    mutating func begin(after boundary: EventLeaf) { sealedAt = max(sealedAt, boundary.sealedAt) }

    /// Counts a leaf whose event is gone.
    mutating func countPruned() {
        events += 1
        pruned += 1
    }

    private static func count(_ name: String, _ counts: inout [String: Int], limit: Int = maximumNames) {
        let key = counts[name] != nil || counts.count < limit ? name : "(others)"
        counts[key, default: 0] += 1
    }

    var json: JSONObject {
        func object(_ counts: [String: Int]) -> JSONValue { .object(JSONObject(counts.map { ($0.key, .int(Int64($0.value))) })) }
        return [
            "events": .int(Int64(events)), "matches": .int(Int64(matches)), "withheld": .int(Int64(withheld)),
            "pruned": .int(Int64(pruned)),
            "by_type": object(byType),
            "by_outcome": object(byOutcome), "by_source": object(bySource), "by_tenant": object(byTenant), "by_day": object(byDay),
            "first": first.map(JSONValue.string) ?? .null, "last": last.map(JSONValue.string) ?? .null,
            "sealed_at": .string(sealedAt.description),
        ]
    }

    init() {}

    /// Reads what `json` gave: an export that was interrupted goes on counting. Nil for another form.
    init?(json: JSONObject) {
        func counts(_ name: String) -> [String: Int]? {
            guard let object = json[name]?.object else { return nil }
            var counts: [String: Int] = [:]
            for member in object {
                guard let number = member.value.int else { return nil }
                counts[member.key] = Int(number)
            }
            return counts
        }
        guard let events = json["events"]?.int, let matches = json["matches"]?.int, let withheld = json["withheld"]?.int,
            let pruned = json["pruned"]?.int,
            let byType = counts("by_type"), let byOutcome = counts("by_outcome"), let bySource = counts("by_source"),
            let byTenant = counts("by_tenant"), let byDay = counts("by_day"),
            let sealedAt = json["sealed_at"]?.string.flatMap(Timestamp.init)
        else { return nil }
        (self.events, self.matches, self.withheld, self.pruned) = (Int(events), Int(matches), Int(withheld), Int(pruned))
        (self.byType, self.byOutcome, self.bySource, self.byTenant, self.byDay) = (byType, byOutcome, bySource, byTenant, byDay)
        self.sealedAt = sealedAt
        (first, last) = (json["first"]?.string, json["last"]?.string)
    }
}
