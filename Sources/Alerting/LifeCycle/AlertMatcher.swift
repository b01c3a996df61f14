import Detection

/// One condition on an alert's labels: `rule=…`, `severity!=low`, `client_ip=~10\..*`, `tenant!~test-.*`.
public struct AlertMatcher: Sendable, Hashable, CustomStringConvertible {
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case matchesNot = "!~"
    }

    public let label: String
    public let comparison: Comparison
    public let value: String
    /// The whole value must match, as in Alertmanager.
    private let pattern: LinearPattern?

    /// The longest matcher, in bytes.
    public static let maximumLength = 1024

    /// - Throws: `AlertingError` with `.matcher` for an empty label or an expression that cannot be matched in linear time.
    public init(_ label: String, _ comparison: Comparison, _ value: String) throws(AlertingError) {
        guard !label.isEmpty, label.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") }) else {
            throw AlertingError(.matcher, "a matcher needs a label in front of \(comparison.rawValue)", hint: AlertMatcher.advice)
        }
        guard label.utf8.count + value.utf8.count <= AlertMatcher.maximumLength else {
            throw AlertingError(.matcher, "a matcher may have at most \(AlertMatcher.maximumLength) bytes")
        }
        switch comparison {
        case .equal, .notEqual: pattern = nil
        case .matches, .matchesNot:
            do { pattern = try LinearPattern(value) } catch {
                throw AlertingError(.matcher, "'\(value)' is no expression that can be used: \(error.message)")
            }
        }
        (self.label, self.comparison, self.value) = (label, comparison, value)
    }

    /// Reads `label=value`, `label!=value`, `label=~expression` or `label!~expression`.
    public init(_ text: String) throws(AlertingError) {
        let bytes = Array(text.utf8)
        guard let place = bytes.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "!") }) else {
            throw AlertingError(.matcher, "'\(text)' is no matcher", hint: AlertMatcher.advice)
        }
        let rest = String(decoding: bytes[place...], as: UTF8.self)
        for comparison in [Comparison.notEqual, .matches, .matchesNot, .equal] where rest.utf8.starts(with: comparison.rawValue.utf8) {
            let value = String(decoding: rest.utf8.dropFirst(comparison.rawValue.utf8.count), as: UTF8.self)
            try self.init(String(decoding: bytes[..<place], as: UTF8.self), comparison, value)
            return
        }
        throw AlertingError(.matcher, "'\(text)' is no matcher", hint: AlertMatcher.advice)
    }

    public var description: String { label + comparison.rawValue + value }

    static let advice =
        "Write label=value, label!=value, label=~expression or label!~expression; labels: rule, severity, tenant, and the rule's group-by fields."

    /// Whether the alert has what is asked for; compared by bytes.
    public func matches(_ alert: AlertFacts) -> Bool {
        let values = alert.values(of: label)
        switch comparison {
        case .equal: return values.contains { $0.utf8.elementsEqual(value.utf8) }
        case .notEqual: return !values.contains { $0.utf8.elementsEqual(value.utf8) }
        case .matches: return values.contains { pattern?.matches($0) ?? false }
        case .matchesNot: return !values.contains { pattern?.matches($0) ?? false }
        }
    }
}

extension [AlertMatcher] {
    /// Whether every one matches; no matcher at all matches nothing.
    func match(_ alert: AlertFacts) -> Bool { !isEmpty && allSatisfy { $0.matches(alert) } }
}
