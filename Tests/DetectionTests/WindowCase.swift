import AuditEvents
import AuditTesting

@testable import Detection

/// A generated rule of one of the kinds that look at a window as a whole, its events, and its alerts by the definition.
struct WindowCase {
    static let second = CorrelationCase.second
    /// What happened, in the order of the correlation's rules.
    static let types: [EventType] = [.loginFailure, .loginSuccess, EventType("authz_fail")]

    let kind: Kind
    let timespan: Int
    let suppress: Int
    let lateness: Int
    let events: [SealedEvent]
    let rules: RuleSet

    init(seed: Int, kind: Kind) throws {
        var random = SeededGenerator(seed: seed)
        self.kind = kind
        timespan = Int.random(in: 4...14, using: &random)
        suppress = timespan + (Bool.random(using: &random) ? 0 : Int.random(in: 1...15, using: &random))
        lateness = Int.random(in: 0...40, using: &random)
        var events: [SealedEvent] = []
        var time = CorrelationCase.start
        for index in 0..<Int.random(in: 1...50, using: &random) {
            let pause = Int.random(in: 0...8, using: &random) == 0 ? 40 : Int.random(in: 0...5, using: &random)
            time += Int64(pause) * Self.second
            let id = EventID(time: Timestamp(microseconds: time), entropy: random.next())
            let type = Self.types[[0, 0, 0, 1, 1, 2][Int.random(in: 0..<6, using: &random)]]
            var body = EventBody(
                actor: .init(name: "user\(Int.random(in: 0..<4, using: &random))"),
                client: .init(ip: "192.0.2.\(Int.random(in: 0..<2, using: &random))"))
            body.details["n"] = .string("\(Int.random(in: 0...9, using: &random))")
            let header = EventHeader(
                id: id, tenant: Int.random(in: 0...4, using: &random) == 0 ? "other" : "default", source: "app", type: type,
                outcome: .failure)
            events.append(
                SealedEvent(
                    shard: 0, index: Int64(index), sealedAt: Timestamp(microseconds: CorrelationCase.start + 1_000_000 * Self.second),
                    event: AuditEvent(header: header, body: body)))
        }
        self.events = events
        var yaml = ""
        for type in Self.types {
            yaml += """
                title: \(type.rawValue)
                name: \(type.rawValue)
                logsource: {product: cardea}
                detection: {selection: {type: \(type.rawValue)}, condition: selection}
                ---

                """
        }
        yaml += """
            title: Case
            id: case
            correlation:
                group-by: [client_ip]
                timespan: \(timespan)s
            \(kind.yaml.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            cardea: {suppress: \(suppress)s, lateness: \(lateness)s\(kind.also.map { ", also: [\($0)]" } ?? "")}
            """
        rules = try RuleSet(files: [("case.yml", Array(yaml.utf8))])
    }

    /// In another order, in which none is later than the lateness.
    func shuffled(_ random: inout SeededGenerator) -> [SealedEvent] {
        let delayed = events.map { ($0.event.time.microseconds + Int64.random(in: 0...Int64(lateness) * Self.second, using: &random), $0) }
        return delayed.sorted { ($0.0, $0.1.event.id) < ($1.0, $1.1.event.id) }.map(\.1)
    }

    /// The alerts by the definition: each group's instants in the order of time.
    func reference() -> Set<AlertBook.Entry> {
        struct Key: Hashable { var tenant: String, ip: String }
        var alerts: Set<AlertBook.Entry> = []
        let counted = events.map(\.event).filter { kind.counts.contains(Self.types.firstIndex(of: $0.header.type) ?? -1) }
        for (key, hits) in Dictionary(grouping: counted, by: { Key(tenant: $0.header.tenant, ip: $0.body.client?.ip ?? "") }) {
            let hits = hits.sorted { $0.id < $1.id }
            var open: [AuditEvent] = []
            func close() {
                if let alert = AlertBook.Entry(open, tenant: key.tenant, ip: key.ip) { alerts.insert(alert) }
                open = []
            }
            for time in Set(hits.map(\.time)).sorted() {
                if let last = open.last, time.microseconds(since: last.time) > Int64(suppress) * Self.second { close() }
                if kind.firesAtOnce, !open.isEmpty {
                    open += hits.filter { $0.time == time }
                    continue
                }
                let window = hits.filter { $0.time <= time && $0.time.microseconds > time.microseconds - Int64(timespan) * Self.second }
                guard let members = kind.members(window, at: time) else { continue }
                open += members.filter { event in open.last.map { event.id > $0.id } ?? true }
            }
            close()
        }
        return alerts
    }
}

extension WindowCase {
    enum Kind: String, CaseIterable, Sendable {
        case temporal, ordered, andNot, orAndNot, either, sum, average, median, percentile, few, exactly, range, pairs, severalNumbers, gaps
        case fewTries, unnamed

        /// Whether more events can only make it truer; then everything that follows within `suppress` joins.
        var firesAtOnce: Bool { [.temporal, .ordered, .either, .unnamed, .sum, .pairs, .severalNumbers].contains(self) }

        var yaml: String {
            let all = "rules: [authn_login_fail, authn_login_success, authz_fail]\n"
            let failures = "rules: [authn_login_fail]\n"
            return switch self {
            case .temporal: "type: temporal\n" + all
            case .ordered: "type: temporal_ordered\n" + all
            case .andNot: "type: temporal\n" + all + "condition: authn_login_fail and not authz_fail"
            case .orAndNot: "type: temporal\n" + all + "condition: (authn_login_fail or authz_fail) and not authn_login_success"
            case .either: "type: temporal\n" + all + "condition: authn_login_fail and (authz_fail or authn_login_success)"
            case .unnamed: "type: temporal\n" + all + "condition: authn_login_success"
            case .sum: "type: value_sum\n" + failures + "condition: {field: details.n, gte: 10}"
            case .average: "type: value_avg\n" + failures + "condition: {field: details.n, gt: 6}"
            case .median: "type: value_median\n" + failures + "condition: {field: details.n, lte: 3}"
            case .percentile: "type: value_percentile\n" + failures + "condition: {field: details.n, percentile: 75, gte: 8}"
            case .few: "type: event_count\n" + failures + "condition: {lt: 2}"
            case .exactly: "type: event_count\n" + failures + "condition: {eq: 3}"
            case .range: "type: value_count\n" + failures + "condition: {field: actor, gte: 2, lte: 3}"
            case .pairs: "type: value_count\n" + failures + "condition: {field: [actor, details.n], gte: 3}"
            case .severalNumbers, .gaps, .fewTries: "type: event_count\n" + failures + "condition: {gte: 3}"
            }
        }

        /// A further condition on the window.
        var also: String? {
            switch self {
            case .severalNumbers: "{field: actor, gte: 3}, {field: details.n, gte: 3}"
            case .gaps: "{median_gap: authn_login_fail, gt: 2}"
            case .fewTries: "{few_tries: actor, tries: 1, gte: 50}"
            default: nil
            }
        }

        /// The types whose events are counted.
        var counts: [Int] {
            switch self {
            case .temporal, .ordered, .andNot, .orAndNot, .either: [0, 1, 2]
            case .unnamed: [1]
            default: [0]
            }
        }

        /// The events that a window makes an alert of, by what the rule says in words.
        func members(_ window: [AuditEvent], at time: Timestamp) -> [AuditEvent]? {
            func has(_ type: Int) -> Bool { window.contains { $0.header.type == WindowCase.types[type] } }
            func number(_ event: AuditEvent) -> Double { event.body.details["n"]?.string.flatMap { Double($0) } ?? .nan }
            func only(_ types: [Int]) -> [AuditEvent]? {
                let chosen = window.filter { event in types.contains { event.header.type == WindowCase.types[$0] } }
                return chosen.contains { $0.time == time } ? chosen : nil
            }
            let numbers = window.map(number).sorted()
            let actors = window.map { $0.body.actor?.name ?? "" }
            switch self {
            case .temporal: return has(0) && has(1) && has(2) ? window : nil
            case .ordered:
                // Some failure no later than some success no later than some refusal, three different events; the refusal is new.
                let isThere = window.contains { refusal in
                    refusal.header.type == WindowCase.types[2]
                        && window.contains { success in
                            success.header.type == WindowCase.types[1] && success.time <= refusal.time
                                && window.contains { $0.header.type == WindowCase.types[0] && $0.time <= success.time }
                        }
                }
                return isThere && window.contains { $0.time == time && $0.header.type == WindowCase.types[2] } ? window : nil
            case .andNot: return has(0) && !has(2) ? only([0]) : nil
            case .orAndNot: return !has(1) ? only([0, 2]) : nil
            case .either: return has(0) && (has(1) || has(2)) ? window : nil
            case .unnamed: return window
            case .sum: return numbers.reduce(0, +) >= 10 ? window : nil
            case .average: return numbers.reduce(0, +) / Double(numbers.count) > 6 ? window : nil
            case .median:
                let middle = numbers.count / 2
                return (numbers.count.isMultiple(of: 2) ? (numbers[middle - 1] + numbers[middle]) / 2 : numbers[middle]) <= 3 ? window : nil
            case .percentile:
                // PostgreSQL's percentile_cont.
                let rank = 0.75 * Double(numbers.count - 1)
                let (below, above) = (numbers[Int(rank.rounded(.down))], numbers[Int(rank.rounded(.up))])
                return below + (above - below) * (rank - rank.rounded(.down)) >= 8 ? window : nil
            case .few: return window.count < 2 ? window : nil
            case .exactly: return window.count == 3 ? window : nil
            case .range: return (2...3).contains(Set(actors).count) ? window : nil
            case .pairs: return Set(zip(actors, window.map(number)).map { "\($0) \($1)" }).count >= 3 ? window : nil
            case .severalNumbers: return window.count >= 3 && Set(actors).count >= 3 && Set(numbers).count >= 3 ? window : nil
            case .gaps:
                guard window.count >= 3 else { return nil }
                let gaps = zip(window, window.dropFirst()).map { Double($1.time.microseconds(since: $0.time)) / 1_000_000 }.sorted()
                let middle = gaps.count / 2
                return (gaps.count.isMultiple(of: 2) ? (gaps[middle - 1] + gaps[middle]) / 2 : gaps[middle]) > 2 ? window : nil
            case .fewTries:
                guard window.count >= 3 else { return nil }
                let single = Set(actors).filter { actor in actors.count { $0 == actor } <= 1 }.count
                return 100 * single >= 50 * Set(actors).count ? window : nil
            }
        }
    }
}
