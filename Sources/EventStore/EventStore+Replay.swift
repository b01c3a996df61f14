import AuditEvents
import Logging
import Synchronization

extension EventStore {
    /// Stores what waits in the spool, oldest first, until cancelled; while the database is away it waits and tries again.
    func replay() async {
        guard let spool = state.withLock({ $0.spool }) else { return }
        var delay = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                if spool.isEmpty {
                    delay = .milliseconds(100)
                } else {
                    while !Task.isCancelled {
                        let events = try await spool.peek(configuration.batchSize)
                        if events.isEmpty { break }
                        try await replay(events[...])
                        try await spool.confirm()
                        delay = .milliseconds(100)
                    }
                    if spool.isEmpty { setAway(false) }
                }
            } catch {
                if error is StoreError { logger.error("The spool cannot be replayed", metadata: ["error": "\(error)"]) }
                delay = min(delay * 2, .seconds(2))
            }
            try? await Task.sleep(for: delay)
        }
    }

    private func replay(_ events: ArraySlice<EncodedEvent>) async throws {
        do {
            try await commit(events)
        } catch {
            switch AppendFailure(error) {
            case .refused where events.count > 1:
                // Not through the spool again, where they would stand together once more.
                let middle = events.startIndex + events.count / 2
                try await replay(events[..<middle])
                try await replay(events[middle...])
            case .refused: setAside(events, error)
            case .transient: try await replay(events)
            case .away: throw error
            }
        }
    }
}
