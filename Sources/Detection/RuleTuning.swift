/// What an operator sets about rules without editing them: read from configuration in one place, applied when a `RuleSet` is made.
public struct RuleTuning: Sendable, Hashable {
    /// The keys for one rule; nil leaves what the rule says.
    public struct Override: Sendable, Hashable {
        /// A correlation that is off raises nothing; a plain rule that is off raises nothing of its own but is still counted by correlations.
        public var enabled: Bool?
        public var level: SigmaLevel?
        public var timespan: Duration?
        /// Replaces the number of the condition's lower bound, or its only one.
        public var threshold: Double?
        public var lateness: Duration?
        /// Raised to the timespan where it is less.
        public var suppress: Duration?
        public var zone: String?
        public var hours: HourFilter?

        public init(
            enabled: Bool? = nil, level: SigmaLevel? = nil, timespan: Duration? = nil, threshold: Double? = nil, lateness: Duration? = nil,
            suppress: Duration? = nil, zone: String? = nil, hours: HourFilter? = nil
        ) {
            (self.enabled, self.level, self.timespan, self.threshold) = (enabled, level, timespan, threshold)
            (self.lateness, self.suppress, self.zone, self.hours) = (lateness, suppress, zone, hours)
        }

        /// The keys' names, for messages.
        public static let keys = ["enabled", "level", "timespan", "threshold", "lateness", "suppress", "zone", "hours"]

        /// Sets one key from text as configuration has it: `true`, `high`, `10m`, `8`, `Europe/Berlin`, `mon-fri 07:00-19:00`.
        ///
        /// - Returns: what is wrong with it, in words; nil where it was taken.
        public mutating func set(_ key: String, to text: String) -> String? {
            switch key {
            case "enabled":
                guard let value = Bool(text.lowercased()) else { return "\(key) is true or false" }
                enabled = value
            case "level":
                guard let value = SigmaLevel(rawValue: text.lowercased()) else {
                    return "\(key) is one of \(SigmaLevel.allCases.map(\.rawValue).joined(separator: ", "))"
                }
                level = value
            case "threshold":
                guard let value = Double(text), value.isFinite else { return "\(key) is a number" }
                threshold = value
            case "timespan", "lateness", "suppress":
                guard let value = Duration(sigma: text), value > .zero || key == "lateness" else {
                    return "\(key) is a whole number and one of s, m, h, d, such as 10m"
                }
                if key == "timespan" { timespan = value } else if key == "lateness" { lateness = value } else { suppress = value }
            case "zone":
                guard HourFilter(zone: text, days: [], from: 0, to: 0, outside: true) != nil else {
                    return "no time zone is called \(text)"
                }
                zone = text
            case "hours":
                guard let value = Self.hours(text) else { return "\(key) is written 'mon-fri 07:00-19:00'" }
                hours = value
            default: return "no such key; there are \(Self.keys.joined(separator: ", "))"
            }
            return nil
        }

        /// `mon-fri 07:00-19:00`, or without days for every day.
        private static func hours(_ text: String) -> HourFilter? {
            let words = text.split(separator: " ")
            guard let last = words.last, words.count <= 2 else { return nil }
            let times = last.split(separator: "-").map { HourFilter.minutes(String($0)) }
            guard times.count == 2, let from = times[0], let to = times[1] else { return nil }
            var days = Set(0..<7)
            if words.count == 2 {
                let names = words[0].lowercased().split(separator: "-").map { HourFilter.dayNames.firstIndex(of: String($0)) }
                guard (1...2).contains(names.count), let first = names[0], let end = names[names.count - 1] else { return nil }
                days = []
                var day = first
                while days.insert(day).inserted, day != end { day = (day + 1) % 7 }
            }
            return HourFilter(zone: "UTC", days: days, from: from, to: to, outside: true)
        }
    }

    /// By a rule's name or id.
    public var overrides: [String: Override]

    /// By a rule's name or id: whether it was turned on or off at work, which outweighs `overrides`. Names that no rule has mean nothing.
    public var switches: [String: Bool] = [:]

    public init(_ overrides: [String: Override] = [:]) { self.overrides = overrides }

    /// The same text for the same tuning, in every process.
    var digestText: String {
        overrides.sorted { $0.key < $1.key }.map { name, override in
            let parts: [String?] = [
                override.enabled.map { "\($0)" }, override.level?.rawValue, override.timespan.map { "\($0)" },
                override.threshold.map { "\($0)" }, override.lateness.map { "\($0)" }, override.suppress.map { "\($0)" }, override.zone,
                override.hours?.description,
            ]
            return "\(name): \(parts.map { $0 ?? "" })"
        }.joined(separator: "\n") + switches.sorted { $0.key < $1.key }.map { "\n\($0.key) \($0.value)" }.joined()
    }

    func override(for metadata: SigmaMetadata) -> Override? { metadata.name.flatMap { overrides[$0] } ?? overrides[metadata.id] }

    /// Whether a rule raises alerts of its own.
    public func isEnabled(_ metadata: SigmaMetadata) -> Bool {
        metadata.name.flatMap { switches[$0] } ?? switches[metadata.id] ?? override(for: metadata)?.enabled ?? true
    }

    /// The documents as the operator wants them; what cannot be applied is a fault that names the rule.
    func apply(to documents: [SigmaDocument]) throws(RuleErrors) -> [SigmaDocument] {
        guard !overrides.isEmpty else { return documents }
        var unused = Set(overrides.keys)
        var errors: [RuleError] = []
        let tuned = documents.map { document -> SigmaDocument in
            unused.remove(document.metadata.id)
            if let name = document.metadata.name { unused.remove(name) }
            guard let override = override(for: document.metadata) else { return document }
            switch document {
            case .rule(var rule):
                if let level = override.level { rule.metadata.level = level }
                return .rule(rule)
            case .correlation(var correlation):
                if let fault = correlation.apply(override) { errors.append(fault) }
                return .correlation(correlation)
            case .filter: return document
            }
        }
        for name in unused.sorted() {
            errors.append(
                RuleError(code: .reference, file: "configuration", construct: name, message: "the tuning names a rule that is in no file"))
        }
        guard errors.isEmpty else { throw RuleErrors(errors) }
        return tuned
    }
}

extension RuleSet {
    /// The correlations that are off without a file that says where addresses are, by title.
    public var needingGeo: [String] { plans.filter { $0.needsGeo && $0.raises }.map(\.correlation.title) }
}

extension SigmaCorrelation {
    /// - Returns: what cannot be applied.
    mutating func apply(_ override: RuleTuning.Override) -> RuleError? {
        func fault(_ construct: String, _ message: String) -> RuleError {
            RuleError(
                code: .value, file: metadata.file, line: metadata.line, column: 1, construct: construct, message: "\(title): \(message)")
        }
        if let level = override.level { metadata.level = level }
        if let lateness = override.lateness { self.lateness = lateness }
        if let timespan = override.timespan {
            let wasTimespan = suppress == self.timespan
            self.timespan = timespan
            if wasTimespan { suppress = timespan }
        }
        if let suppress = override.suppress { self.suppress = suppress }
        suppress = max(suppress, timespan)
        if let threshold = override.threshold {
            guard threshold > 0, threshold <= Double(Self.maximumThreshold) || !countsThings else {
                return fault("\(threshold)", "the threshold must be from 1 to \(Self.maximumThreshold)")
            }
            guard let place = bounds.firstIndex(where: \.isLower) ?? bounds.indices.first else {
                return fault("threshold", "the rule has no threshold to change")
            }
            bounds[place].number = threshold
        }
        if let hours = override.hours {
            guard let filter = hours.inZone(override.zone ?? self.hours?.zone ?? "UTC") else {
                return fault(override.zone ?? "", "not a time zone")
            }
            self.hours = filter
        } else if let zone = override.zone {
            guard let filter = self.hours?.inZone(zone) else { return fault(zone, "the rule has no hours, or the time zone is not known") }
            self.hours = filter
        }
        // A rule's tests are about the rule as it was written.
        tests = []
        return nil
    }

    var countsThings: Bool {
        switch kind {
        case .eventCount, .valueCount: true
        default: false
        }
    }
}
