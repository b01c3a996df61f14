import Synchronization

/// A rule as it stands in its file, with the rules that it counts: enough to judge the same events again.
public struct RuleDefinition: Sendable, Hashable {
    public var id: String
    public var title: String
    /// 32 hex digits that change whenever `source` does.
    public var digest: String
    /// YAML documents, the rule's own last.
    public var source: String
    /// How long after an alert's last event, in event time, none is expected that would join it: `suppress` and `lateness`.
    public var idleAfterMicroseconds: Int64
}

/// The definitions of a set's rules, each made once: a file may be large.
final class RuleDefinitions: Sendable {
    let known = Mutex<[String: RuleDefinition]>([:])
}

extension RuleSet {
    /// The definition of the rule whose alerts have this id; nil for one that raises none.
    public func definition(of id: String) -> RuleDefinition? {
        if let known = definitions.known.withLock({ $0[id] }) { return known }
        let made = makeDefinition(of: id)
        definitions.known.withLock { $0[id] = made }
        return made
    }

    /// The text of a rule as its file has it; of a correlation with the rules that it counts before it.
    public func source(of metadata: SigmaMetadata) -> String { definition(of: metadata.id)?.source ?? document(metadata) }

    private func makeDefinition(of id: String) -> RuleDefinition? {
        guard let place = correlations.firstIndex(where: { $0.id == id }) else { return nil }
        let correlation = correlations[place]
        var documents: [String] = []
        let counted = index.counted(by: place)
        for metadata in counted.rules.map({ rules[$0].metadata }) + counted.correlations.map({ correlations[$0].metadata }) {
            let text = document(metadata)
            if !documents.contains(text) { documents.append(text) }
        }
        let own = document(correlation.metadata)
        documents.removeAll { $0 == own }
        documents.append(own)
        let source = documents.joined(separator: "---\n")
        var digest = StableDigest("cardea rule definition 1")
        digest.add(id)
        digest.add(source)
        let words = digest.words()
        return RuleDefinition(
            id: id, title: correlation.title, digest: StableDigest.hex(words.high, words.low), source: source,
            idleAfterMicroseconds: (correlation.suppress + correlation.lateness).microseconds)
    }

    /// The text of the document that begins where `metadata` says, or of the whole file where its documents depend on each
    /// other.
    private func document(_ metadata: SigmaMetadata) -> String {
        guard let file = files.first(where: { $0.name == metadata.file }) else { return "" }
        let lines = file.yaml.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        func isBoundary(_ line: ArraySlice<UInt8>) -> Bool {
            line.starts(with: "---".utf8) && (line.count == 3 || [0x20, 0x09, 0x0d].contains(line[line.startIndex + 3]))
        }
        let begin = min(max(0, metadata.line - 1), lines.count)
        let isWhole = lines.contains { $0.starts(with: "action:".utf8) }
        let chosen = isWhole ? lines[...] : lines[begin...].prefix { !isBoundary($0) }
        var text = String(decoding: Array(chosen.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
        while text.utf8.last == 0x0a { text.removeLast() }
        return text + "\n"
    }
}
