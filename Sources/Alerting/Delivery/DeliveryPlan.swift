import AuditEvents
import Detection

/// Who is told what: a pure decision over news, alerts, routes, and what the receivers were told before.
struct DeliveryPlan {
    /// An alert at a receiver.
    struct Place: Hashable {
        var shard: Int32
        var alert: AlertID
        var receiver: String
    }

    struct Row {
        var place: Place
        var kind: Delivery.Kind
        /// What it tells; nil: an alert that is told again.
        var news: Int64?
        var alert: StoredAlert
        var waitSeconds: Int64
        var repeatSeconds: Int64?
        var isDisabled: Bool
    }

    let settings: DeliverySettings
    let suppression: AlertSuppression
    let disabled: Set<String>
    let now: Timestamp
    /// What the receivers were told last, of the alerts in question.
    private(set) var told: [Place: Delivery.Kind]
    private(set) var rows: [Row] = []
    /// News that waits, since nobody may be told of the alert for now.
    private(set) var held: [Int64] = []
    /// News that has been dealt with.
    private(set) var done: [Int64] = []

    /// How often what is held is looked at again, in seconds: a silence may have ended before its time.
    static let holdSeconds: Int64 = 30

    init(
        _ settings: DeliverySettings, _ suppression: AlertSuppression, disabled: Set<String>, told: [Place: Delivery.Kind], now: Timestamp
    ) {
        (self.settings, self.suppression, self.disabled, self.told, self.now) = (settings, suppression, disabled, told, now)
    }

    /// Takes up one piece of news.
    ///
    /// - Parameter alert: as it is now; nil where it is no more.
    mutating func take(_ seq: Int64, _ kind: AlertNews.Kind, _ alert: StoredAlert?) {
        guard let alert else { return done.append(seq) }
        guard kind.isFiring else {
            // The end is told to those who know of the beginning, silence or not: they have something open.
            done.append(seq)
            for receiver in settings.receivers where receiver.sendsResolved {
                let place = Place(shard: alert.shard, alert: alert.id, receiver: receiver.name)
                if told[place] == .firing { add(.resolved, seq, alert, receiver) }
            }
            return
        }
        guard suppression.verdict(for: AlertFacts(alert), at: now) == .deliver else {
            return alert.state.isActive ? held.append(seq) : done.append(seq)
        }
        done.append(seq)
        for receiver in receivers(of: alert) { add(.firing, seq, alert, receiver) }
    }

    /// What becomes of an alert that a receiver was told of a while ago.
    enum Repeat: Hashable {
        case again
        /// Looked at again in so many seconds.
        case later(Int64)
        case never
    }

    mutating func again(_ alert: StoredAlert, at name: String, isPending: Bool) -> Repeat {
        guard let receiver = settings[name], let period = receiver.repeatSeconds, alert.state.isActive,
            receivers(of: alert).contains(where: { $0.name == name })
        else { return .never }
        if isPending { return .later(period) }
        // Somebody deals with it; but a receiver that would take it to be over hears of it all the same.
        guard receiver.expires || alert.state == .open || alert.state == .reopened else { return .later(period) }
        guard suppression.verdict(for: AlertFacts(alert), at: now) == .deliver else { return .later(DeliveryPlan.holdSeconds) }
        add(.firing, nil, alert, receiver)
        return .again
    }

    private func receivers(of alert: StoredAlert) -> [Receiver] {
        DeliveryRoute.receivers(settings.routes, for: AlertFacts(alert)).compactMap { settings[$0] }
    }

    private mutating func add(_ kind: Delivery.Kind, _ news: Int64?, _ alert: StoredAlert, _ receiver: Receiver) {
        let place = Place(shard: alert.shard, alert: alert.id, receiver: receiver.name)
        told[place] = kind
        rows.append(
            Row(
                place: place, kind: kind, news: news, alert: alert, waitSeconds: receiver.waitSeconds,
                repeatSeconds: kind == .firing ? receiver.repeatSeconds : nil, isDisabled: disabled.contains(receiver.name)))
    }
}
