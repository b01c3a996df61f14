public import Logging
import Synchronization

/// A bounded number of connections, opened when they are first needed and lent to one task at a time.
///
/// A connection that broke is thrown away; one whose transaction was left open is rolled back. While the server is away, a pool
/// that has been connected before keeps trying, with back-off, until `acquireTimeout`; one that never was fails at once, so that
/// a wrong URL is told at once.
public final class PostgresPool: Sendable {
    private enum Grant {
        case connection(PostgresConnection)
        case permit
    }

    private typealias Waiter = UnsafeContinuation<Grant, any Error>

    private struct State {
        var pool: PoolState<PostgresConnection, Waiter>
        var lent: [ObjectIdentifier: PostgresConnection] = [:]
        var nextIdentifier: UInt64 = 0
        var backoff = Backoff()
        /// Before this moment nobody tries to connect again; why the last attempt failed.
        var notBefore = ContinuousClock.now
        var lastFailure: PostgresError?
        var wasConnected = false
        var drained: UnsafeContinuation<Void, Never>?
    }

    public let configuration: PostgresConfiguration
    private let logger: Logger
    private let state: Mutex<State>

    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        state = Mutex(State(pool: PoolState(limit: configuration.maximumConnections)))
    }

    deinit {
        for connection in state.withLock({ $0.pool.close().idle }) { connection.close() }
    }

    /// Lends a connection for the time of `body`.
    ///
    /// Throws what the body throws, and `PostgresError`: `.poolTimeout` when none became free in time, `.connection` when none
    /// could be opened, `.closed`; `CancellationError`.
    @discardableResult
    public func withConnection<R: Sendable>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        let connection = try await acquire()
        do {
            let value = try await body(connection)
            await giveBack(connection)
            return value
        } catch {
            await giveBack(connection)
            throw error
        }
    }

    /// Runs `body` in a transaction on a connection of its own; see `PostgresConnection.withTransaction`.
    @discardableResult
    public func withTransaction<R: Sendable>(
        _ options: TransactionOptions = .init(), _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await withConnection { try await $0.withTransaction(options, body) }
    }

    /// Runs one statement on any connection and gives its rows.
    public func query(_ sql: SQL) async throws -> [PostgresRow] {
        try await withConnection { try await $0.query(sql) }
    }

    /// Runs one statement on any connection and reads its first columns as typed tuples.
    public func query<each T: PostgresDecodable>(_ sql: SQL, as type: (repeat each T).Type) async throws -> [(repeat each T)] {
        let rows = try await query(sql)
        var typed: [(repeat each T)] = []
        typed.reserveCapacity(rows.count)
        for row in rows { typed.append(try row.decode(as: type)) }
        return typed
    }

    /// Runs one statement on any connection and reads its first column.
    public func query<T: PostgresDecodable>(_ sql: SQL, as type: T.Type) async throws -> [T] {
        try await query(sql).map { try $0.decode(0, as: type) }
    }

    /// Runs one statement on any connection and gives the number of rows that it touched.
    @discardableResult
    public func execute(_ sql: SQL) async throws -> Int {
        try await withConnection { try await $0.execute(sql) }
    }

    /// The connections that are open or being opened, and how many of them are lent; for metrics.
    public var occupancy: (open: Int, lent: Int, waiting: Int) {
        state.withLock { ($0.pool.idle.count + $0.pool.lent, $0.pool.lent, $0.pool.waiting) }
    }

    /// Closes the idle connections, refuses whoever waits, and waits for the lent ones; those still out after five seconds are broken.
    public func close() async {
        let (idle, waiters) = state.withLock { $0.pool.close() }
        for connection in idle { connection.close() }
        for waiter in waiters { waiter.resume(throwing: Self.closed) }
        let impatience = Task.detached { [self] in
            try await Task.sleep(for: .seconds(5))
            for connection in state.withLock({ Array($0.lent.values) }) { connection.close() }
        }
        await withUnsafeContinuation { continuation in
            let wait = state.withLock { state in
                guard state.pool.lent > 0, state.drained == nil else { return false }
                state.drained = continuation
                return true
            }
            if !wait { continuation.resume() }
        }
        impatience.cancel()
    }

    private static var closed: PostgresError { PostgresError(.closed, "the pool was closed") }

    // MARK: Acquiring

    private func acquire() async throws -> PostgresConnection {
        try Task.checkCancellation()
        let deadline = ContinuousClock.now + configuration.acquireTimeout
        let grant: Grant
        switch state.withLock({ $0.pool.acquire() }) {
        case .use(let connection): grant = .connection(connection)
        case .connect: grant = .permit
        case .refuse: throw Self.closed
        case .wait: grant = try await wait(until: deadline)
        }
        do {
            let connection = try await redeem(grant, deadline)
            state.withLock { $0.lent[ObjectIdentifier(connection)] = connection }
            return connection
        } catch {
            follow(state.withLock { $0.pool.releasePermit() })
            throw error
        }
    }

    private func wait(until deadline: ContinuousClock.Instant) async throws -> Grant {
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        let timer = Task.detached { [self] in
            try await Task.sleep(until: deadline)
            let waited = configuration.acquireTimeout
            withdraw(identifier, PostgresError(.poolTimeout, "no connection became free within \(waited)"))
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (waiter: Waiter) in
                let outcome = state.withLock { state -> Result<Grant, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    switch state.pool.acquire() {
                    case .use(let connection): return .success(.connection(connection))
                    case .connect: return .success(.permit)
                    case .refuse: return .failure(Self.closed)
                    case .wait:
                        state.pool.enqueue(waiter, identifier: identifier)
                        return nil
                    }
                }
                if let outcome { waiter.resume(with: outcome) }
            }
        } onCancel: {
            withdraw(identifier, CancellationError())
        }
    }

    private func withdraw(_ identifier: UInt64, _ error: any Error) {
        state.withLock { $0.pool.withdraw(identifier) }?.resume(throwing: error)
    }

    /// Turns a grant into a connection that works. Idle connections that the server has closed meanwhile fall away here.
    private func redeem(_ grant: Grant, _ deadline: ContinuousClock.Instant) async throws -> PostgresConnection {
        if case .connection(let connection) = grant {
            if connection.isAlive { return connection }
            connection.close()
            // The other idle ones have most likely gone the same way; the most recently used that lives is as good as a new one.
            while let other = state.withLock({ $0.pool.takeIdle() }) {
                if other.isAlive { return other }
                other.close()
            }
        }
        while true {
            let (notBefore, lastFailure) = state.withLock { ($0.notBefore, $0.lastFailure) }
            if let lastFailure, notBefore > .now {
                guard notBefore < deadline else { throw lastFailure }
                try await Task.sleep(until: notBefore)
            }
            do {
                let connection = try await PostgresConnection.connect(configuration, logger: logger)
                state.withLock { state in
                    state.backoff.succeed()
                    state.lastFailure = nil
                    state.wasConnected = true
                }
                return connection
            } catch let error as PostgresError {
                let (next, wasConnected) = state.withLock { state in
                    state.notBefore = .now + state.backoff.fail()
                    state.lastFailure = error
                    return (state.notBefore, state.wasConnected)
                }
                logger.debug("connecting failed", metadata: ["error": "\(error)"])
                // 57P03: the server is there and starting.
                guard error.isTransient, wasConnected || error.sqlState == "57P03", next < deadline else { throw error }
            }
        }
    }

    // MARK: Giving back

    private func giveBack(_ connection: PostgresConnection) async {
        let isFit = await connection.tidy()
        if !isFit { connection.close() }
        let release = state.withLock { state in
            state.lent[ObjectIdentifier(connection)] = nil
            return isFit ? state.pool.release(connection) : state.pool.releasePermit()
        }
        follow(release)
    }

    private func follow(_ release: PoolState<PostgresConnection, Waiter>.Release) {
        switch release {
        case .hand(let connection, let waiter): waiter.resume(returning: .connection(connection))
        case .permit(let waiter): waiter.resume(returning: .permit)
        case .close(let connection): connection.close()
        case .keep, .nothing: break
        }
        let drained = state.withLock { state in
            state.pool.isClosed && state.pool.lent == 0 ? state.drained.take() : nil
        }
        drained?.resume()
    }
}
