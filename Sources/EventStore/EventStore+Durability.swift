import AuditEvents
import Logging
import Metrics
import Synchronization

extension EventStore {
    /// Returns when every event is committed, in the spool, set aside because the database refuses it for good, or given up because the
    /// task was cancelled: the last two are given back.
    func makeDurable(_ events: ArraySlice<EncodedEvent>) async -> [EventID: SinkRefusal] {
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
            if Task.isCancelled { return giveUp(events) }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(1))
        }
    }

    private func giveUp(_ events: ArraySlice<EncodedEvent>) -> [EventID: SinkRefusal] {
        setAside(events, SinkRefusal.closed)
        state.withLock { $0.lost += events.count }
        return Dictionary(events.map { ($0.header.id, .closed) }) { $1 }
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
