public import AuditEvents

/// Which events a query asks for. Empty lists and nils ask for everything.
public struct EventFilter: Sendable, Hashable {
    /// Names, `*` standing for any run of characters: `authn_*`.
    public var types: [String] = []
    public var outcomes: [Outcome] = []
    /// Names or ids of actors, `*` as above.
    public var actors: [String] = []
    /// Addresses or networks in CIDR notation.
    public var addresses: [String] = []
    /// Route templates, `*` as above.
    public var routes: [String] = []
    /// Status ranges, both ends included.
    public var statuses: [ClosedRange<Int16>] = []
    public var tenants: [String] = []
    public var sources: [String] = []
    /// The earliest event time, included.
    public var since: Timestamp?
    /// The latest event time, included.
    public var until: Timestamp?
    /// Words that must all stand somewhere in the event, in any case.
    public var text: [String] = []
    /// Whether Cardea's own acts (`audit_*`) are shown without being asked for by type.
    public var own = false

    /// What was written in the query language; all of it must hold too.
    public var written: QueryExpression?

    public init() {}

    /// Everything that is asked for as one expression.
    public var expression: QueryExpression {
        var expression = written ?? QueryExpression()
        func also(_ key: QueryKey, _ values: [QueryExpression.Value]) {
            if !values.isEmpty { expression.terms.append(.init(key, values)) }
        }
        also(.type, types.map { .pattern($0) })
        also(.outcome, outcomes.map { .exactly($0.rawValue) })
        also(.actor, actors.map { .pattern($0) })
        also(.ip, addresses.map { .exactly($0) })
        also(.route, routes.map { .pattern($0) })
        also(.status, statuses.map { .range(Int64($0.lowerBound), Int64($0.upperBound)) })
        also(.tenant, tenants.map { .exactly($0) })
        also(.source, sources.map { .pattern($0) })
        for word in text { expression.add(.text, [.exactly(word)]) }
        if let since { expression.since = max(since, expression.since ?? since) }
        if let until { expression.until = min(until, expression.until ?? until) }
        if own { expression.own = true }
        return expression
    }
}
