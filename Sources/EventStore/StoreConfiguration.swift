/// How an `EventStore` buffers, spools and pushes back.
public struct StoreConfiguration: Sendable {
    /// What happens to a producer while buffer and spool are full. Never a silent drop.
    public struct BackPressure: Sendable, Hashable {
        let name: String
        /// `record` waits for room.
        public static let block = BackPressure(name: "block")
        /// `record` throws `SinkRefusal.full`, which the middleware answers with 503.
        public static let refuse = BackPressure(name: "refuse")
        public static func named(_ name: String) -> BackPressure? { [block, refuse].first { $0.name == name } }
    }

    /// The events a batch holds at most.
    public var batchSize = 500
    /// How long the first event of a batch waits for others.
    public var batchDelay: Duration = .milliseconds(5)
    /// The events in memory at most.
    public var bufferCapacity = 20_000
    /// Batches on their way to the database at once.
    public var concurrentBatches = 2
    public var backPressure: BackPressure = .block
    /// The folder of the spool; nil for none: then a full buffer pushes back while the database is away.
    public var spoolDirectory: String?
    /// How long a shutdown waits for a database that is away while there is no spool, or no room in it; then what is left goes to the log, whole.
    public var shutdownPatience: Duration = .seconds(30)
    /// The bytes that the spool may take on disk.
    public var spoolLimit = 1 << 30

    public init() {}
}
