/// While an alert that matches `source` is active, nobody is told about those that match `target` and have the same labels `equal`.
///
/// Configuration data, written as one line: `rule=brute_force_address mutes severity=~low|medium equal client_ip`. Never across tenants.
public struct Inhibition: Sendable, Hashable, CustomStringConvertible {
    public var source: [AlertMatcher]
    public var target: [AlertMatcher]
    public var equal: [String]

    /// - Throws: `AlertingError` with `.matcher` where either side is empty.
    public init(source: [AlertMatcher], target: [AlertMatcher], equal: [String]) throws(AlertingError) {
        guard !source.isEmpty, !target.isEmpty else {
            throw AlertingError(.matcher, "an inhibition needs matchers on both sides of 'mutes'", hint: Inhibition.advice)
        }
        (self.source, self.target, self.equal) = (source, target, equal)
    }

    /// Reads `MATCHER… mutes MATCHER… [equal LABEL…]`; a word with blanks stands in double quotes.
    public init(_ text: String) throws(AlertingError) {
        let words = try Inhibition.words(text)
        guard let mutes = words.firstIndex(of: "mutes") else {
            throw AlertingError(.matcher, "'\(text)' is no inhibition", hint: Inhibition.advice)
        }
        let rest = words[(mutes + 1)...]
        let end = rest.firstIndex(of: "equal") ?? rest.endIndex
        func matchers(_ words: ArraySlice<String>) throws(AlertingError) -> [AlertMatcher] {
            var matchers: [AlertMatcher] = []
            for word in words { matchers.append(try AlertMatcher(word)) }
            return matchers
        }
        try self.init(
            source: try matchers(words[..<mutes]), target: try matchers(rest[..<end]), equal: Array(rest[end...].dropFirst()))
    }

    private static func words(_ text: String) throws(AlertingError) -> [String] {
        var words: [String] = []
        var word: [UInt8]?
        var isQuoted = false
        for c in text.utf8 {
            switch c {
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                word = word ?? []
            case 0x20 where !isQuoted, 0x09 where !isQuoted:
                if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
                word = nil
            default: word = (word ?? []) + [c]
            }
        }
        guard !isQuoted else { throw AlertingError(.matcher, "a quote is not closed in '\(text)'") }
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        return words
    }

    static let advice = "Write for example: rule=brute_force_address mutes severity=~low|medium equal client_ip"

    public var description: String {
        func quoted(_ text: String) -> String { text.contains(" ") ? "\"\(text)\"" : text }
        let words = source.map { quoted($0.description) } + ["mutes"] + target.map { quoted($0.description) }
        return (words + (equal.isEmpty ? [] : ["equal"] + equal)).joined(separator: " ")
    }

    /// Whether `active` mutes `alert`. Two alerts that match both sides do not mute each other, and none mutes itself.
    func mutes(_ alert: AlertFacts, because active: AlertFacts) -> Bool {
        guard active.id != alert.id, active.tenant.utf8.elementsEqual(alert.tenant.utf8), target.match(alert), source.match(active),
            !(source.match(alert) && target.match(active))
        else { return false }
        return equal.allSatisfy { label in
            alert.values(of: label).elementsEqual(active.values(of: label)) { $0.utf8.elementsEqual($1.utf8) }
        }
    }
}
