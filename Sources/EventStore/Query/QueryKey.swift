import AuditEvents
import PostgreSQL

/// What a query can ask for, by the name that it has in the language. A new key: a case, its column in `QueryExpression+SQL`, its line in `Query.md`.
public enum QueryKey: String, Sendable, Hashable, CaseIterable {
    case actor, type, outcome, reason, ip, status, severity, method, route, path, tenant, source, service, session, token, target
    case requestID = "request_id"
    case traceID = "trace_id"
    case userAgent = "user_agent"
    case id
    case actorKind = "actor_kind"
    case privileged, sensitivity, duration, shard
    /// A word or phrase anywhere in the event; what stands without a key.
    case text

    /// The words that are no terms but settings of the whole query.
    static let settings = ["since", "until", "tz", "own"]

    /// Every name that may stand before a colon, in the order of their letters.
    static let names = (allCases.map(\.rawValue) + settings).sorted()

    enum Kind {
        /// Compared as it stands, `*` for any run of characters.
        case pattern
        /// One of a few words, in any case.
        case words([String])
        case number
        case address
        case uuid
        case flag
        case severity
        /// Microseconds, written with a unit.
        case duration
    }

    var kind: Kind {
        switch self {
        case .ip: .address
        case .status, .shard: .number
        case .severity: .severity
        case .duration: .duration
        case .id: .uuid
        case .privileged: .flag
        case .outcome: .words(Outcome.allCases.map(\.rawValue))
        case .actorKind: .words(ActorKind.allCases.map(\.rawValue))
        case .sensitivity: .words(Sensitivity.allCases.map(\.rawValue))
        default: .pattern
        }
    }

    /// The names that are most like one that is none: within a third of its length.
    static func suggestions(for name: String) -> [String] {
        let name = Array(name.lowercased().utf8.prefix(64))
        return names.map { ($0, distance(name, Array($0.utf8))) }.filter { $0.1 <= max(1, name.count / 3) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
    }

    /// How many letters must be put in, taken out or changed (Levenshtein).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                (corner, row[j + 1]) = (row[j + 1], min(row[j + 1] + 1, row[j] + 1, corner + (x == y ? 0 : 1)))
            }
        }
        return row[b.count]
    }
}
