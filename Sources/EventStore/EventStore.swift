public import AuditEvents
public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle
import Synchronization

/// The way of events into the record: a bounded buffer, batches into `audit.append`, and a spool on disk while the database is away.
///
/// What `record` acknowledged as durable is committed or fsynced; what it acknowledged as buffered is, at most `batchDelay` and one write later.
/// Run it (`run()`), for nothing leaves the buffer otherwise; a graceful shutdown writes out what is left, for `shutdownPatience` at most.
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
        var blocked: [(number: Int, producer: CheckedContinuation<Void, Never>)] = []
        /// Waits for room so far: the number of the next one.
        var waits = 0
        /// Callers of `flush`, and the number of the first event that each does not wait for.
        var flushing: [(until: Int, caller: CheckedContinuation<Void, Never>)] = []
        var spool: Spool?
        var isAway = false
        /// Ends the writers' tries some time after the shutdown began.
        var impatience: Task<Void, Never>?
        /// Events that were given up at shutdown.
        var lost = 0
    }

    public let appender: Appender
    let configuration: StoreConfiguration
    let logger: Logger
    private let encoder = EventEncoder()
    private let now: @Sendable () -> Timestamp
    let state: Mutex<State>

    let appended = Counter(label: "cardea.store.events.appended")
    let duplicates = Counter(label: "cardea.store.events.known")
    let spooled = Counter(label: "cardea.store.events.spooled")
    private let refused = Counter(label: "cardea.store.events.refused")
    let notStored = Counter(label: "cardea.store.events.set_aside")

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
                try Task.checkCancellation()
                await waitForRoom()
                continue
            }
            return
        }
    }

    /// Returns when there may be room, when the buffer was closed, or when the task was cancelled.
    private func waitForRoom() async {
        let number = state.withLock { state in
            defer { state.waits += 1 }
            return state.waits
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    // A cancellation from here on finds it in the list, for it needs the lock too.
                    let waits = state.buffer.occupied >= state.buffer.capacity && !state.buffer.isClosed && !Task.isCancelled
                    if waits { state.blocked.append((number, continuation)) }
                    return waits
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.blocked.firstIndex { $0.number == number }.map { state.blocked.remove(at: $0).producer }
            }
            waiting?.resume()
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
    ///
    /// What cannot be made durable within `shutdownPatience` (database and spool are both away) is given up: its durable callers are told
    /// `SinkRefusal.closed`, and the log what it was and how much.
    /// - Throws: `StoreError` where the spool cannot be opened; what was recorded before goes to the database, and the store is closed.
    public func run() async throws {
        var failure: (any Error)?
        if let directory = configuration.spoolDirectory {
            do {
                let spool = try await Spool.open(directory: directory, limit: configuration.spoolLimit)
                state.withLock { $0.spool = spool }
                if !spool.isEmpty { logger.notice("Replaying the spool", metadata: ["spool.bytes": "\(spool.usage.bytes)"]) }
            } catch { failure = error }
        }
        // The writers do not inherit cancellation: what was taken must become durable first.
        let writers = (0..<max(1, configuration.concurrentBatches)).map { _ in Task { [self] in await write() } }
        let replayer = Task { [self] in await replay() }
        if failure != nil { close(writers) }
        await withTaskCancellationOrGracefulShutdownHandler {
            for writer in writers { await writer.value }
        } onCancelOrGracefulShutdown: { [self] in
            close(writers)
        }
        replayer.cancel()
        await replayer.value
        let (spool, lost) = state.withLock { state in
            state.impatience?.cancel()
            defer { state.spool = nil }
            return (state.spool, state.lost)
        }
        // Its folder is free for the next one when this returns, whoever still holds a reference.
        try? await spool?.close()
        if lost > 0 {
            logger.critical(
                "At shutdown neither database nor spool took what was left; it stands in the log", metadata: ["events": "\(lost)"])
        }
        if let failure { throw failure }
    }

    private func close(_ writers: [Task<Void, Never>]) {
        let waiting = state.withLock { state in
            state.buffer.close()
            state.isDue = true
            if state.impatience == nil {
                state.impatience = Task { [patience = configuration.shutdownPatience] in
                    do { try await Task.sleep(for: patience) } catch { return }
                    for writer in writers { writer.cancel() }
                }
            }
            defer { (state.idle, state.blocked) = ([], []) }
            return state.idle + state.blocked.map(\.producer)
        }
        for waiting in waiting { waiting.resume() }
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
            let blocked = state.blocked.prefix(room).map(\.producer)
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
}
