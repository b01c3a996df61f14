import DequeModule
import Synchronization

/// Who may use a connection: one task at a time, the others in the order in which they came.
///
/// While a COPY, a stream or a listener has its body running, the connection cannot serve anything else; a call then fails at once
/// instead of waiting for something that waits for it.
final class ConnectionTurn: Sendable {
    private struct Waiter {
        let identifier: UInt64
        let engagement: String?
        let continuation: UnsafeContinuation<Void, any Error>
    }

    private struct State {
        var isHeld = false
        var engagement: String?
        var waiters: Deque<Waiter> = []
        var nextIdentifier: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Waits for the turn. `engagement` names what the holder is going to do if nobody else may wait for it.
    func take(engagement: String? = nil) async throws {
        let immediate = try state.withLock { try Self.tryTake(&$0, engagement) }
        if immediate { return }
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                enqueue(continuation, identifier: identifier, engagement, unless: Task.isCancelled)
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.identifier == identifier }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Passes the turn on.
    func give() {
        let next = state.withLock { state -> Waiter? in
            let next = state.waiters.popFirst()
            state.isHeld = next != nil
            state.engagement = next?.engagement
            return next
        }
        next?.continuation.resume()
    }

    /// Takes the turn for a task that may not be interrupted, such as the one that has to roll back.
    func takeUncancelled(engagement: String? = nil) async throws {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            enqueue(continuation, identifier: 0, engagement, unless: false)
        }
    }

    /// Resumes at once, or keeps the continuation until the turn comes.
    private func enqueue(
        _ continuation: UnsafeContinuation<Void, any Error>, identifier: UInt64, _ engagement: String?,
        unless isCancelled: @autoclosure () -> Bool
    ) {
        let outcome = state.withLock { state -> Result<Bool, any Error> in
            // Asked under the lock: a cancellation that comes later finds the waiter in the queue.
            if isCancelled() { return .failure(CancellationError()) }
            return Result {
                if try Self.tryTake(&state, engagement) { return true }
                state.waiters.append(Waiter(identifier: identifier, engagement: engagement, continuation: continuation))
                return false
            }
        }
        switch outcome {
        case .success(true): continuation.resume()
        case .success(false): break
        case .failure(let error): continuation.resume(throwing: error)
        }
    }

    private static func tryTake(_ state: inout State, _ engagement: String?) throws -> Bool {
        if let other = state.engagement {
            throw PostgresError(.usage, "the connection is busy with \(other); use another one inside its body")
        }
        guard !state.isHeld else { return false }
        state.isHeld = true
        state.engagement = engagement
        return true
    }
}
