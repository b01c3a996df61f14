/// How a worker shares, reads and waits.
public struct WorkerConfiguration: Sendable {
    /// This worker's name in the lease table; unique among those alive.
    public var id: String
    /// How long a lease lasts unless renewed. After a kill -9 others wait this long at most.
    public var leaseDuration: Duration = .seconds(10)
    /// How often the leases are looked after: renewed, taken, given back.
    public var leaseInterval: Duration = .seconds(1)
    /// Events a transaction folds at most.
    public var batchSize = 5000
    /// Between two looks for something to seal: while busy, and at most when idle.
    public var sealInterval: Duration = .milliseconds(5)
    public var idleSealInterval: Duration = .milliseconds(50)

    /// After a batch that failed: at first, and at most, for each further failure doubles it.
    public var retryDelay: Duration = .milliseconds(50)
    public var maximumRetryDelay: Duration = .seconds(2)

    public init(id: String) { self.id = id }
}
