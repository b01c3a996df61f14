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

    public init() {}
}
