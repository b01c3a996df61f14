public import AuditEvents
import Synchronization

/// Revocations in this process alone: for tests, where several lists may share one, and for a single instance.
public final class MemoryRevocationStore: RevocationStoring {
    private struct State {
        var revocations: [SecretHash: (revocation: Revocation, number: Int)] = [:]
        var number = 0
        var listeners: [Int: AsyncThrowingStream<Void, any Error>.Continuation] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// How many are kept.
    public var count: Int { state.withLock { $0.revocations.count } }

    public func add(_ revocations: [Revocation], at time: Timestamp) async throws {
        let listeners = state.withLock { state in
            state.revocations = state.revocations.filter { $0.value.revocation.expires > time }
            for revocation in revocations {
                state.number += 1
                let merged = state.revocations[revocation.key]?.revocation.merged(with: revocation) ?? revocation
                state.revocations[revocation.key] = (merged, state.number)
            }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    public func revocations(
        since cursor: RevocationCursor?, at time: Timestamp, limit: Int
    ) async throws -> (revocations: [Revocation], cursor: RevocationCursor) {
        state.withLock { state in
            let since = cursor.flatMap { Int($0.text) } ?? 0
            let new = state.revocations.values.filter { $0.number > since && $0.revocation.expires > time }
            return (new.prefix(limit).map(\.revocation), RevocationCursor(String(state.number)))
        }
    }

    public func changes() -> AsyncThrowingStream<Void, any Error> {
        let (stream, continuation) = AsyncThrowingStream<Void, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
        continuation.yield()
        return stream
    }
}
