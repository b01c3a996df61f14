import AuditEvents

/// The rules of an engine: read, compiled and joined once.
public struct RuleSet: Sendable {
    /// Every plain rule, in the order of the files.
    public let rules: [SigmaRule]
    /// Every correlation, in the order of the files; last the ones that stand for plain rules which raise alerts of their own.
    public let correlations: [SigmaCorrelation]
    /// Sixteen hex digits that change whenever some rule does.
    public let fingerprint: String

    /// The files as they were read, for `definition(of:)`.
    let files: [(name: String, yaml: [UInt8])]
    let definitions = RuleDefinitions()
    let compiled: [CompiledRule]
    let plans: [CorrelationPlan]
    let index: CorrelationIndex
    /// What the operator set.
    public let tuning: RuleTuning
    let fields: [EventField]
    /// Which rules an event can match, by the literals that they need.
    let literals: LiteralIndex

    /// Reads rule files.
    ///
    /// - Parameters:
    ///   - files: each file's name, for messages, and its bytes.
    ///   - beneath: further files; of their rules those are left out whose id one of `files` has, so that a rule can take another's place.
    ///   - placeholders: what `%name%` stands for in values with the modifier `expand`.
    ///   - tuning: what the operator set about rules without editing them.
    /// - Throws: `RuleErrors` with every fault found.
    public init(
        files: [(name: String, yaml: [UInt8])], beneath: [(name: String, yaml: [UInt8])] = [], placeholders: [String: [String]] = [:],
        tuning: RuleTuning = RuleTuning()
    ) throws(RuleErrors) {
        var documents: [SigmaDocument] = []
        var errors: [RuleError] = []
        for file in files {
            do { documents += try SigmaDocument.parse(file.yaml, file: file.name, placeholders: placeholders) } catch {
                errors += error.errors
            }
        }
        let own = Set(documents.map(\.metadata.id))
        for file in beneath {
            do {
                documents += try SigmaDocument.parse(file.yaml, file: file.name, placeholders: placeholders)
                    .filter { !own.contains($0.metadata.id) }
            } catch { errors += error.errors }
        }
        guard errors.isEmpty else { throw RuleErrors(errors) }
        let files = files + beneath
        documents = try tuning.apply(to: documents)
        // What a placeholder stands for is part of the rules, and so is what was tuned.
        let meanings = placeholders.sorted { $0.key < $1.key }.map { Array("\($0.key)=\($0.value)".utf8) }
        try self.init(
            documents: documents, files: files, tuning: tuning,
            fingerprint: StableDigest.fingerprint(of: files.map(\.yaml) + meanings + [Array(tuning.digestText.utf8)]))
    }

    private init(
        documents: [SigmaDocument], files: [(name: String, yaml: [UInt8])], tuning: RuleTuning, fingerprint: String
    ) throws(RuleErrors) {
        var errors: [RuleError] = []
        var rules: [SigmaRule] = []
        var correlations: [SigmaCorrelation] = []
        var filters: [SigmaFilter] = []
        var seen: [String: SigmaMetadata] = [:]
        for document in documents {
            let metadata = document.metadata
            if let other = seen.updateValue(metadata, forKey: metadata.id) {
                errors.append(
                    RuleError(
                        code: .reference, file: metadata.file, line: metadata.line, column: 1, construct: metadata.id,
                        message: "two rules have this id", advice: "the other is in \(other.file):\(other.line)"))
            }
            switch document {
            case .rule(let rule): rules.append(rule)
            case .correlation(let correlation): correlations.append(correlation)
            case .filter(let filter): filters.append(filter)
            }
        }
        for filter in filters { filter.apply(to: &rules, errors: &errors) }
        guard errors.isEmpty else { throw RuleErrors(errors) }
        var index = try CorrelationIndex(rules: rules, correlations: &correlations)
        index.mute(tuning, correlations)
        var slots = FieldSlots()
        compiled = rules.map { CompiledRule($0, fields: &slots) }
        let contents = index.contents(rules, correlations)
        let chained = index.chained
        plans = correlations.indices.map { place in
            CorrelationPlan(
                correlations[place], counting: contents[place], isChained: chained.contains(place), raises: index.raises[place],
                fields: &slots)
        }
        self.index = index
        self.tuning = tuning
        self.rules = rules
        self.correlations = correlations
        self.files = files
        self.fingerprint = fingerprint
        fields = slots.fields
        literals = LiteralIndex(compiled.map(\.predicate))
    }
}

extension SigmaCorrelation {
    /// A plain rule that no correlation speaks for raises alerts itself: one for each client address, or one for all events that name none,
    /// which takes further matches for an hour.
    init(standingFor rule: SigmaRule) {
        self.init(
            metadata: rule.metadata, kind: .eventCount, rules: [rule.id], groupBy: ["client_ip"], timespan: .seconds(3600),
            bounds: [Bound(.gte, 1)], generates: false, suppress: .seconds(3600), lateness: Self.defaultLateness, tests: rule.tests)
    }

    /// Whether this is a plain rule's own alert, for which a missing field is no reason to stay silent.
    var standsForRule: Bool { rules == [id] }
}
