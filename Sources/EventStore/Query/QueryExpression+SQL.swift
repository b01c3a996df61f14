import AuditEvents
public import PostgreSQL

extension QueryExpression {
    /// What is asked for, over `audit.event e`; every value is bound.
    public var condition: SQL {
        var parts: [SQL] = []
        if let since { parts.append("e.time >= \(PostgresTimestamp(since))") }
        if let until { parts.append("e.time <= \(PostgresTimestamp(until))") }
        if hidesOwn { parts.append(#"e.type not like 'audit\_%'"#) }
        parts += terms.map { $0.isNegated ? "(\($0.condition)) is not true" : $0.condition }
        return parts.isEmpty ? "true" : parts.joined(separator: " and ")
    }
}

extension QueryExpression.Term {
    fileprivate var condition: SQL {
        var parts: [SQL] = []
        if values.contains(.present) { parts.append(presence) }
        let texts = values.compactMap { if case .pattern(let pieces) = $0 { pieces } else { nil } }
        if !texts.isEmpty { parts.append(condition(of: texts)) }
        for value in values {
            switch value {
            case .range(let low, let high) where low == high: parts.append("\(column) = \(low)")
            case .range(.min, let high): parts.append("\(column) <= \(high)")
            case .range(let low, .max): parts.append("\(column) >= \(low)")
            case .range(let low, let high): parts.append("\(column) between \(low) and \(high)")
            case .flag(let flag): parts.append("\(column) = \(flag)")
            default: break
            }
        }
        return parts.count == 1 ? parts[0] : "(\(parts.joined(separator: " or ")))"
    }

    private var presence: SQL { key == .text ? "true" : "\(column) is not null" }

    private func condition(of texts: [[QueryExpression.Piece]]) -> SQL {
        let patterns = texts.map(QueryExpression.Term.like)
        switch key {
        case .text:
            let words: [SQL] = texts.map { pieces in
                let pattern = "%" + QueryExpression.Term.like(pieces) + "%"
                // The body is looked at as JSON, where a quote or a backslash stands escaped.
                let written = pieces.map { piece -> QueryExpression.Piece in
                    guard case .text(let text) = piece else { return piece }
                    return .text(String(decoding: CanonicalJSON.encode(.string(text)).dropFirst().dropLast(), as: UTF8.self))
                }
                return """
                    (concat_ws(' ', e.type, e.source, e.reason, e.method, e.route) ilike \(pattern)
                    or e.body::text ilike \("%" + QueryExpression.Term.like(written) + "%"))
                    """
            }
            return "(\(words.joined(separator: " or ")))"
        case .actor: return "(e.actor like any (\(patterns)) or e.body #>> '{actor,id}' like any (\(patterns)))"
        case .ip: return "e.client_ip <<= any (\(texts.map(QueryExpression.Term.plain))::text[]::inet[])"
        case .id: return "e.id = any (\(texts.map(QueryExpression.Term.plain))::text[]::uuid[])"
        default:
            // Without a wildcard an index of the column can be used.
            if texts.allSatisfy({ !$0.contains(.any) }) { return "\(column) = any (\(texts.map(QueryExpression.Term.plain)))" }
            return "\(column) like any (\(patterns))"
        }
    }

    private var column: SQL {
        switch key {
        case .actor: "e.actor"
        case .type: "e.type"
        case .outcome: "e.outcome"
        case .reason: "e.reason"
        case .ip: "e.client_ip"
        case .status: "e.status"
        case .severity: "e.severity"
        case .method: "e.method"
        case .route: "e.route"
        case .path: "e.body ->> 'path'"
        case .tenant: "e.tenant"
        case .source: "e.source"
        case .service: "e.body ->> 'service'"
        case .session: "e.session"
        case .token: "e.token"
        case .target: "e.body ->> 'target'"
        case .requestID: "e.body ->> 'request_id'"
        case .traceID: "e.body ->> 'trace_id'"
        case .userAgent: "e.body #>> '{client,user_agent}'"
        case .id: "e.id"
        case .actorKind: "e.actor_kind"
        case .privileged: "e.privileged"
        case .sensitivity: "e.sensitivity"
        case .duration: "e.duration_us"
        case .shard: "e.shard"
        case .text: "e.body::text"
        }
    }

    /// A LIKE pattern in which nothing but the wildcards is special; byte by byte: a `%` before a combining mark is still LIKE's.
    private static func like(_ pieces: [QueryExpression.Piece]) -> String {
        let special: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "_")]
        var out: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .any: out.append(UInt8(ascii: "%"))
            case .text(let text): out += text.utf8.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func plain(_ pieces: [QueryExpression.Piece]) -> String {
        pieces.map { if case .text(let text) = $0 { text } else { "*" } }.joined()
    }
}
