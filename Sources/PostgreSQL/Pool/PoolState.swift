import DequeModule

/// The decisions of the pool, without connections, clocks or tasks: who gets a connection, who may open one, who waits.
///
/// A permit is the right to hold one connection; there are `limit` of them. An idle connection carries its permit with it.
struct PoolState<Connection, Waiter> {
    /// What a task that asks for a connection is to do.
    enum Acquisition {
        case use(Connection)
        case connect
        case wait
        case refuse
    }

    /// What follows from a connection or a permit coming back.
    enum Release {
        case hand(Connection, to: Waiter)
        case permit(Waiter)
        case keep
        case close(Connection)
        case nothing
    }

    private let limit: Int
    /// The most recently used is last, and is used first.
    private(set) var idle: [Connection] = []
    private var waiters: Deque<(identifier: UInt64, waiter: Waiter)> = []
    /// Permits in the hands of tasks.
    private(set) var lent = 0
    private(set) var isClosed = false

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    var waiting: Int { waiters.count }

    mutating func acquire() -> Acquisition {
        guard !isClosed else { return .refuse }
        if let connection = idle.popLast() {
            lent += 1
            return .use(connection)
        }
        guard lent < limit else { return .wait }
        lent += 1
        return .connect
    }

    /// An idle connection for a task that holds a permit and whose own connection turned out dead.
    mutating func takeIdle() -> Connection? {
        idle.popLast()
    }

    mutating func enqueue(_ waiter: Waiter, identifier: UInt64) {
        waiters.append((identifier, waiter))
    }

    /// A waiter that timed out or was cancelled; nil when it has been served meanwhile.
    mutating func withdraw(_ identifier: UInt64) -> Waiter? {
        waiters.firstIndex { $0.identifier == identifier }.map { waiters.remove(at: $0).waiter }
    }

    /// A connection comes back in good health.
    mutating func release(_ connection: Connection) -> Release {
        if isClosed {
            lent -= 1
            return .close(connection)
        }
        if let next = waiters.popFirst() { return .hand(connection, to: next.waiter) }
        lent -= 1
        idle.append(connection)
        return .keep
    }

    /// A permit comes back without a connection: it broke, or could not be opened.
    mutating func releasePermit() -> Release {
        if !isClosed, let next = waiters.popFirst() { return .permit(next.waiter) }
        lent -= 1
        return .nothing
    }

    /// Gives the idle connections to close and the waiters to refuse.
    mutating func close() -> (idle: [Connection], waiters: [Waiter]) {
        isClosed = true
        defer {
            idle = []
            waiters = []
        }
        return (idle, waiters.map(\.waiter))
    }
}
