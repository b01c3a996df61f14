public import AuditEvents
public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle
import Synchronization

/// The way of events into the record: a bounded buffer, batches into `audit.append`, and a spool on disk while the database is away.
///
/// What `record` acknowledged as durable is committed or fsynced; what it acknowledged as buffered is, at most `batchDelay` and one write later.
/// Run it (`run()`), for nothing leaves the buffer otherwise; a graceful shutdown writes out what is left.
public final class EventStore: AdmittingSink, Service, Sendable {
    typealias Waiter = CheckedContinuation<Void, any Error>
    typealias Buffer = BufferState<Waiter>

    struct State {
        var buffer: Buffer
        /// A batch should leave now: it is full, or its delay has passed.
        var isDue = false
        /// Writers with nothing to do.
        var idle: [CheckedContinuation<Void, Never>] = []
        /// Producers that wait for room, oldest first.
        var blocked: [CheckedContinuation<Void, Never>] = []
        /// Callers of `flush`, and the number of the first event that each does not wait for.
        var flushing: [(until: Int, caller: CheckedContinuation<Void, Never>)] = []
        var spool: Spool?
        var isAway = false
        /// When the shutdown began.
        var closedAt: ContinuousClock.Instant?
    }

    public let appender: Appender
    let configuration: StoreConfiguration
    let logger: Logger
    private let encoder = EventEncoder()
    private let now: @Sendable () -> Timestamp
    let state: Mutex<State>

    private let appended = Counter(label: "cardea.store.events.appended")
    private let duplicates = Counter(label: "cardea.store.events.known")
    private let spooled = Counter(label: "cardea.store.events.spooled")
    private let refused = Counter(label: "cardea.store.events.refused")
    private let notStored = Counter(label: "cardea.store.events.set_aside")

    /// - Parameter now: the clock that judges events' times.
    public init(
        pool: PostgresPool, configuration: StoreConfiguration = .init(), logger: Logger,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        appender = Appender(pool)
        self.configuration = configuration
        self.logger = logger
        self.now = now
        state = Mutex(State(buffer: Buffer(capacity: configuration.bufferCapacity, batchSize: configuration.batchSize)))
    }

    // MARK: Producers

    public func record(_ event: AuditEvent, durability: EventDurability) async throws {
        let encoded = try encoder.encode(event, now: now())
        switch durability {
        case .buffered: try await enter(encoded, waiter: nil)
        case .durable:
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                // The wait for room and the wait for the commit are one for the caller.
                Task { [self] in
                    do { try await enter(encoded, waiter: waiter) } catch { waiter.resume(throwing: error) }
                }
            }
        }
    }

    /// Refuses under the policy `refuse` while the buffer has no room, and after shutdown.
    public func admit() throws(SinkRefusal) {
        let (isFull, isClosed) = state.withLock { ($0.buffer.occupied >= configuration.bufferCapacity, $0.buffer.isClosed) }
        if isClosed { throw .closed }
        if isFull, configuration.backPressure == .refuse { throw .full }
    }

    private func enter(_ event: EncodedEvent, waiter: Waiter?) async throws {
        while true {
            let admission = state.withLock { state in
                let admission = state.buffer.offer(event, waiter: waiter)
                if case .accepted(.now) = admission {
                    state.isDue = true
                    state.idle.popLast()?.resume()
                }
                return admission
            }
            switch admission {
            case .accepted(.afterDelay): startDelay()
            case .accepted: break
            case .closed: throw SinkRefusal.closed
            case .full where configuration.backPressure == .refuse:
                refused.increment()
                throw SinkRefusal.full
            case .full:
                await withCheckedContinuation { continuation in
                    let stillFull = state.withLock { state in
                        let full = state.buffer.occupied >= configuration.bufferCapacity && !state.buffer.isClosed
                        if full { state.blocked.append(continuation) }
                        return full
                    }
                    if !stillFull { continuation.resume() }
                }
                continue
            }
            return
        }
    }

    private func startDelay() {
        Task { [self] in
            try? await Task.sleep(for: configuration.batchDelay)
            state.withLock { state in
                guard !state.buffer.entries.isEmpty else { return }
                state.isDue = true
                state.idle.popLast()?.resume()
            }
        }
    }

    /// Returns when every event that was in the buffer is committed or spooled.
    public func flush() async {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state in
                if state.buffer.occupied == 0 { return true }
                state.isDue = true
                state.idle.popLast()?.resume()
                state.flushing.append((state.buffer.entered, continuation))
                return false
            }
            if done { continuation.resume() }
        }
    }

    // MARK: Writers

    /// Opens the spool, writes batches, and replays the spool; on graceful shutdown or cancellation writes out what is left and returns.
    public func run() async throws {
        if let directory = configuration.spoolDirectory {
            let spool = try await Spool.open(directory: directory, limit: configuration.spoolLimit)
            state.withLock { $0.spool = spool }
            if !spool.isEmpty { logger.notice("Replaying the spool", metadata: ["spool.bytes": "\(spool.usage.bytes)"]) }
        }
        // The writers do not inherit cancellation: what was taken must become durable first.
        let writers = (0..<max(1, configuration.concurrentBatches)).map { _ in Task { [self] in await write() } }
        let replayer = Task { [self] in await replay() }
        await withTaskCancellationOrGracefulShutdownHandler {
            for writer in writers { await writer.value }
        } onCancelOrGracefulShutdown: { [self] in
            close()
        }
        replayer.cancel()
        await replayer.value
        // Its folder is free for the next one.
        state.withLock { $0.spool = nil }
    }

    private func close() {
        state.withLock { state in
            state.buffer.close()
            state.closedAt = .now
            state.isDue = true
            for waiting in state.idle + state.blocked { waiting.resume() }
            state.idle = []
            state.blocked = []
        }
    }

    private func write() async {
        while true {
            let (batch, isOver) = state.withLock { state -> ((first: Int, entries: [Buffer.Entry])?, Bool) in
                if state.isDue, !state.buffer.entries.isEmpty {
                    let batch = state.buffer.take()
                    // A remainder has waited already, or is a full batch: another writer need not wait for this one.
                    state.isDue = !state.buffer.entries.isEmpty
                    if state.isDue { state.idle.popLast()?.resume() }
                    return (batch, false)
                }
                state.isDue = state.buffer.isClosed
                return (nil, state.buffer.isClosed)
            }
            if isOver { return }
            if let batch {
                let refusals = await makeDurable(batch.entries.map(\.event)[...])
                finish(batch.entries, first: batch.first, refusals)
            } else {
                await withCheckedContinuation { continuation in
                    let due = state.withLock { state in
                        if !state.isDue && !state.buffer.isClosed { state.idle.append(continuation) }
                        return state.isDue || state.buffer.isClosed
                    }
                    if due { continuation.resume() }
                }
            }
        }
    }

    private func finish(_ batch: [Buffer.Entry], first: Int, _ refusals: [EventID: SinkRefusal]) {
        typealias Waiting = [CheckedContinuation<Void, Never>]
        let (blocked, flushing) = state.withLock { (state) -> (Waiting, Waiting) in
            state.buffer.finished(first: first, count: batch.count)
            let room = min(state.blocked.count, batch.count)
            let blocked = Array(state.blocked.prefix(room))
            state.blocked.removeFirst(room)
            let durable = state.buffer.durableBelow
            let flushed = state.flushing.filter { $0.until <= durable }.map(\.caller)
            state.flushing.removeAll { $0.until <= durable }
            return (blocked, flushed)
        }
        for entry in batch {
            if let refusal = refusals[entry.event.header.id] {
                entry.waiter?.resume(throwing: refusal)
            } else {
                entry.waiter?.resume()
            }
        }
        for waiting in blocked + flushing { waiting.resume() }
    }

    /// Returns when every event is committed, in the spool, or set aside because the database refuses it for good: those are given back.
    private func makeDurable(_ events: ArraySlice<EncodedEvent>) async -> [EventID: SinkRefusal] {
        var delay = Duration.milliseconds(50)
        while true {
            let (spool, isAway) = state.withLock { ($0.spool, $0.isAway) }
            // What comes after spooled events goes behind them: the order of a record is the order of its events, roughly.
            if let spool, isAway || !spool.isEmpty, await toSpool(events, spool) { return [:] }
            if spool == nil || !isAway {
                do {
                    try await commit(events)
                    setAway(false)
                    return [:]
                } catch {
                    switch AppendFailure(error) {
                    case .transient: continue
                    case .refused: return await isolate(events, error)
                    case .away: setAway(true, error)
                    }
                    if let spool, await toSpool(events, spool) { return [:] }
                }
            } else if let spool, spool.isEmpty {
                // The spool takes nothing (its disk is full) and is empty: only the database can help.
                setAway(false)
            }
            if let closedAt = state.withLock({ $0.closedAt }), ContinuousClock.now - closedAt > configuration.shutdownPatience {
                setAside(events, SinkRefusal.closed)
                return Dictionary(events.map { ($0.header.id, .closed) }) { $1 }
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(1))
        }
    }

    func commit(_ events: ArraySlice<EncodedEvent>) async throws {
        let stored = try await appender.append(Array(events))
        appended.increment(by: stored)
        duplicates.increment(by: events.count - stored)
    }

    private func toSpool(_ events: ArraySlice<EncodedEvent>, _ spool: Spool) async -> Bool {
        do {
            let taken = try await spool.append(Array(events))
            if taken { spooled.increment(by: events.count) }
            return taken
        } catch {
            logger.error("The spool cannot be written", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Halves a refused batch until the events that the database refuses stand alone; those are logged whole and counted, the others stored.
    private func isolate(_ events: ArraySlice<EncodedEvent>, _ error: any Error) async -> [EventID: SinkRefusal] {
        guard events.count > 1 else {
            setAside(events, error)
            return Dictionary(events.map { ($0.header.id, .invalid(reason: "the database refuses it: \(error)")) }) { $1 }
        }
        let middle = events.startIndex + events.count / 2
        let refusals = await makeDurable(events[..<middle])
        return refusals.merging(await makeDurable(events[middle...])) { $1 }
    }

    /// Events that cannot be stored go to the log whole, so that they are not lost with the process.
    func setAside(_ events: ArraySlice<EncodedEvent>, _ error: any Error) {
        notStored.increment(by: events.count)
        for event in events {
            logger.critical(
                "An event cannot be stored",
                metadata: [
                    "event.header": "\(String(decoding: CanonicalJSON.encode(.object(event.header.json)), as: UTF8.self))",
                    "event.body": "\(String(decoding: event.body, as: UTF8.self))",
                    "error": "\(error)",
                ])
        }
    }

    func setAway(_ away: Bool, _ error: (any Error)? = nil) {
        let changed = state.withLock { state in
            defer { state.isAway = away }
            return state.isAway != away
        }
        guard changed else { return }
        if away {
            logger.warning("The database is away", metadata: ["error": "\(error.map { "\($0)" } ?? "-")"])
        } else {
            logger.notice("The database is back")
        }
    }
}
