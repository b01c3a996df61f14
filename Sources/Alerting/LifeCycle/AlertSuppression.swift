public import AuditEvents
public import Detection

/// Whether anybody is told about an alert: a pure decision over silences, inhibitions and the alerts that are active.
///
/// It never decides what is stored: a silenced alert is in the list, with a mark.
public struct AlertSuppression: Sendable {
    public enum Verdict: Sendable, Hashable {
        case deliver
        /// The id of the silence that ends last.
        case silenced(by: String)
        /// The alert that mutes it.
        case inhibited(by: AlertID)
    }

    public var silences: [Silence]
    public var inhibitions: [Inhibition]
    private var active: [AlertFacts]

    /// - Parameter active: the alerts that are active now, of which one may mute others; those that no inhibition names are let go.
    public init(silences: [Silence], inhibitions: [Inhibition] = [], active: [AlertFacts] = []) {
        (self.silences, self.inhibitions) = (silences, inhibitions)
        self.active = inhibitions.isEmpty ? [] : active.filter { alert in inhibitions.contains { $0.source.match(alert) } }
    }

    /// What becomes of the news about `alert` at `time`. A silence counts before an inhibition.
    public func verdict(for alert: AlertFacts, at time: Timestamp) -> Verdict {
        let covering = silences.lazy.filter { $0.covers(alert, at: time) }
        if let silence = covering.max(by: { ($0.endsAt, $0.id) < ($1.endsAt, $1.id) }) { return .silenced(by: silence.id) }
        for inhibition in inhibitions {
            if let muting = active.lazy.filter({ inhibition.mutes(alert, because: $0) }).map(\.id).min() { return .inhibited(by: muting) }
        }
        return .deliver
    }
}
