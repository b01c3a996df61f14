import Dispatch
import Synchronization

/// Runs work that takes long and much memory on threads of its own: so many at once, so many waiting, and not one more.
final class HashingQueue: Sendable {
    private struct State {
        var running = 0
        var next: UInt64 = 0
        var waiting: [(number: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    private let state = Mutex(State())
    private let threads = DispatchQueue(label: "cardea.passwords", attributes: .concurrent)
    private let concurrency: Int
    private let limit: Int

    init(concurrency: Int, limit: Int) {
        self.concurrency = max(1, concurrency)
        self.limit = max(0, limit)
    }

    var isFull: Bool { state.withLock { $0.running >= concurrency && $0.waiting.count >= limit } }
    var occupancy: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Runs `work` when its turn comes. Who is cancelled while waiting leaves; begun work is finished.
    /// - Throws: `PasswordHashingBusy`, `CancellationError`.
    func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async throws -> R {
        try await enter()
        let result = await withCheckedContinuation { continuation in
            threads.async { continuation.resume(returning: work()) }
        }
        leave()
        return result
    }

    private func enter() async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.running < concurrency {
                        state.running += 1
                        return .success(())
                    }
                    guard state.waiting.count < limit else { return .failure(PasswordHashingBusy()) }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
