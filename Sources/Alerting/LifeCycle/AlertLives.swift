import AuditEvents
import Detection

/// What a batch does to the lives of a shard's alerts: where each stood, where it stands, and what is to be recorded. Pure.
struct AlertLives {
    struct Entry {
        /// As it was read, with the life that it had.
        let alert: StoredAlert
        var life: AlertLife
        var changes: [AlertLife.Change] = []
        var isNew = false
        /// Whether people are told of it as of a new one: it was quiet until now.
        var isLoudened = false

        /// Whether anything but the record of it is left: what was done and undone within the batch is not told.
        var isChanged: Bool { life != alert.life }
    }

    let shard: Int32
    private(set) var entries: [AlertID: Entry] = [:]
    /// In the order in which they were touched.
    private(set) var order: [AlertID] = []

    init(shard: Int32) { self.shard = shard }

    /// An alert whose row has just been made.
    mutating func opened(_ alert: StoredAlert) {
        note(alert)
        entries[alert.id]?.isNew = true
    }

    /// Takes up a finding about an alert.
    mutating func take(_ finding: AlertLife.Finding, _ alert: StoredAlert) {
        note(alert)
        guard var life = entries[alert.id]?.life else { return }
        let change = life.take(finding)
        entries[alert.id]?.life = life
        if let change { entries[alert.id]?.changes.append(change) }
    }

    /// An alert that was quiet until now.
    mutating func awaken(_ alert: StoredAlert) {
        note(alert)
        entries[alert.id]?.isLoudened = true
    }

    /// The alerts that were quiet until now.
    var loudened: [AlertID] { order.filter { entries[$0]?.isLoudened ?? false } }

    /// What people are to be told, in order.
    var news: [AlertNews] {
        order.compactMap { entries[$0] }.flatMap { entry -> [AlertNews] in
            guard !entry.alert.isQuiet || entry.isLoudened else { return [] }
            let isNew = entry.isNew || entry.isLoudened
            var kinds: [AlertNews.Kind] = isNew ? [.opened] : []
            // Of several changes within one batch the last is what holds.
            if entry.isChanged, let last = entry.changes.last.flatMap({ AlertNews.Kind(rawValue: $0.kind.rawValue) }) {
                if !(isNew && last == .reopened) { kinds.append(last) }
            }
            return kinds.map { AlertNews(shard: shard, alert: entry.alert.id, kind: $0) }
        }
    }

    private mutating func note(_ alert: StoredAlert) {
        guard entries[alert.id] == nil else { return }
        entries[alert.id] = Entry(alert: alert, life: alert.life)
        order.append(alert.id)
    }

    /// The alerts after which another one of the group may have become idle: the new ones, and those that came alive again.
    var awakened: [AlertID] {
        order.filter { id in entries[id].map { $0.isNew || ($0.alert.life.isIdle && !$0.life.isIdle) } ?? false }
    }

    /// Leaves only the latest alert of each group awake, for the earlier ones take no more events but late ones.
    ///
    /// - Parameter peers: every alert of those groups that takes events still.
    mutating func settle(_ peers: [StoredAlert]) {
        struct Group: Hashable {
            var tenant: [UInt8]
            var rule: [UInt8]
            var group: [[UInt8]]

            init(_ alert: StoredAlert) {
                tenant = Array(alert.tenant.utf8)
                rule = Array(alert.ruleID.utf8)
                group = alert.group.members.flatMap { [Array($0.key.utf8), Array(($0.value.string ?? "").utf8)] }
            }
        }
        var latest: [Group: StoredAlert] = [:]
        for peer in peers {
            let group = Group(peer)
            if let other = latest[group], (other.lastSeen, other.id) > (peer.lastSeen, peer.id) { continue }
            latest[group] = peer
        }
        for peer in peers where latest[Group(peer)]?.id != peer.id { take(.idle, peer) }
    }
}
