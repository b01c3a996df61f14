import AuditEvents
import DequeModule

/// The decisions of the event buffer: who may enter, when a batch leaves. Pure; `EventStore` does the waiting and the writing.
struct BufferState<Waiter> {
    struct Entry {
        var event: EncodedEvent
        /// Resumed when the event is durable.
        var waiter: Waiter?
    }

    enum Admission {
        /// In the buffer. `wake` says what the writer has to do about it.
        case accepted(wake: Wake)
        /// The buffer is full: wait for room, or be refused, as the policy says.
        case full
        case closed
    }

    enum Wake {
        case none
        /// The first event of a batch: write after the delay at the latest.
        case afterDelay
        /// The batch is full: write now.
        case now
    }

    let capacity: Int
    let batchSize: Int
    private(set) var entries: Deque<Entry> = []
    private(set) var isClosed = false
    /// Events handed to a writer and not yet durable.
    private(set) var inFlight = 0
    /// Events that ever entered, and that ever left with a batch: the number of the next one.
    private(set) var entered = 0
    private var left = 0
    /// The numbers of the first events of the batches on their way.
    private var batches: Set<Int> = []

    init(capacity: Int, batchSize: Int) { (self.capacity, self.batchSize) = (max(1, capacity), max(1, batchSize)) }

    /// Every event numbered below is durable.
    var durableBelow: Int { batches.min() ?? left }

    /// Events in the buffer or on their way.
    var occupied: Int { entries.count + inFlight }

    mutating func offer(_ event: EncodedEvent, waiter: Waiter?) -> Admission {
        guard !isClosed else { return .closed }
        guard occupied < capacity else { return .full }
        entries.append(Entry(event: event, waiter: waiter))
        entered += 1
        if entries.count == batchSize { return .accepted(wake: .now) }
        return .accepted(wake: entries.count == 1 ? .afterDelay : .none)
    }

    /// The next batch, oldest first, and the number of its first event. There must be one.
    mutating func take() -> (first: Int, entries: [Entry]) {
        let batch = Array(entries.prefix(batchSize))
        entries.removeFirst(batch.count)
        inFlight += batch.count
        batches.insert(left)
        defer { left += batch.count }
        return (left, batch)
    }

    mutating func finished(first: Int, count: Int) {
        inFlight -= count
        batches.remove(first)
    }

    mutating func close() { isClosed = true }
}
