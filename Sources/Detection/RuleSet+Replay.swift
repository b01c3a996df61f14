public import AuditEvents

/// What a rule says of the events behind an alert, judged again.
public struct AlertReplay: Sendable, Hashable {
    /// The event with which the rule's condition was met; nil where it is not met by these events.
    public var fired: EventID?
    /// The events of the window that met it, in the order of time.
    public var window: [EventID]
    /// The window's length, in microseconds: it ends with `fired`, its beginning is not in it.
    public var timespanMicroseconds: Int64
    public var groupBy: [String]
    /// How many of the events are in the alert when all of them have been judged.
    public var count: Int
}

extension RuleSet {
    /// Judges the events of an alert again, in the order of time; nil where no rule has this id.
    ///
    /// - Parameters:
    ///   - events: in any order; those of the alert alone, or all that the record had around them: what a correlation of correlations counts is
    ///     more than what its alert holds.
    ///   - wanted: the alert; nil: the first that the rule opens.
    public func replay(_ events: [SealedEvent], for rule: String, alert wanted: AlertID? = nil) -> AlertReplay? {
        guard let correlation = correlations.first(where: { $0.id == rule }) else { return nil }
        var engine = DetectionEngine(rules: self)
        var replay = AlertReplay(
            fired: nil, window: [], timespanMicroseconds: correlation.timespan.microseconds, groupBy: correlation.groupBy, count: 0)
        var id: AlertID?
        // What is judged when the watermark has passed is judged here as soon as an instant is over: the events are in the order of time.
        let isSettled = plans.first { $0.rule == rule }?.isSettled ?? false
        var rest = events.sorted(by: { $0.event.id < $1.event.id })[...]
        while let event = rest.first {
            let instant = isSettled ? Array(rest.prefix { $0.event.time == event.event.time }) : [event]
            rest = rest.dropFirst(instant.count)
            for change in engine.process(instant) + (isSettled ? engine.finish() : []) {
                switch change {
                case .open(let alert) where alert.ruleID == rule && id == nil && (wanted == nil || alert.id == wanted):
                    id = alert.id
                    replay.fired = isSettled ? alert.events.map(\.id).max() : event.event.id
                    replay.window = alert.events.map(\.id).sorted()
                    replay.count = alert.count
                case .extend(let more) where more.id == id: replay.count = more.count
                default: break
                }
            }
        }
        return replay
    }
}
