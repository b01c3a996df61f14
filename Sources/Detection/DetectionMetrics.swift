/// What an engine did and let go of since it was made: no bound bites in silence.
public struct DetectionMetrics: Sendable, Hashable {
    /// Events that were processed.
    public var events = 0
    /// Matches of plain rules.
    public var matches = 0
    /// Matches that a correlation counted.
    public var hits = 0
    /// Events that some correlation would have counted, had they not been later than it allows.
    public var lateSkipped = 0
    /// Matches without a field that their correlation groups by, or without the value it counts.
    public var missingGroup = 0
    public var alertsOpened = 0
    public var alertsMerged = 0
    /// Groups remembered now.
    public var groups = 0
    /// Groups let go of because no event could touch them any more.
    public var groupsExpired = 0
    /// Groups let go of because their rule's budget was spent.
    public var groupsEvicted = 0
    /// Repeats of one value that a `value_count` rule did not keep apart; whether and when it fires does not depend on them.
    public var hitsThinned = 0
    /// Hits let go of because one group had too many that no window could yet forget.
    public var hitsDropped = 0
    /// Rows of state that were not taken up: damaged, or of another definition of their rule.
    public var rowsRejected = 0

    public init() {}
}
