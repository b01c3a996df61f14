/// Whether a store that may be away is worth asking. Pure: time is given, in microseconds.
///
/// After a failure nobody asks for a while, then one at a time until it answers: a store that is away costs a request nothing, and no crowd of
/// unanswered calls grows.
struct StoreAvailability: Sendable {
    let coolOff: Int64
    /// The calls under way at most.
    let capacity: Int
    private(set) var underWay = 0
    private var retryAt: Int64?

    init(coolOff: Int64, capacity: Int) { (self.coolOff, self.capacity) = (coolOff, capacity) }

    var isAway: Bool { retryAt != nil }

    /// Whether to ask at `time`; every yes is followed by one `answered` or `failed`, and one `ended`.
    mutating func ask(at time: Int64) -> Bool {
        guard underWay < capacity else { return false }
        if let retryAt {
            guard time >= retryAt else { return false }
            self.retryAt = time + coolOff
        }
        underWay += 1
        return true
    }

    /// Whether that is news.
    mutating func answered() -> Bool {
        defer { retryAt = nil }
        return retryAt != nil
    }

    /// Whether that is news.
    mutating func failed(at time: Int64) -> Bool {
        defer { retryAt = time + coolOff }
        return retryAt == nil
    }

    mutating func ended() { underWay -= 1 }
}
