import CLibpq
import Glibc
import Synchronization

/// Runs what must block (name look-ups, libpq's cancel request, waiting for a child process) on an OS thread of its own,
/// for Swift's cooperative pool has one thread a core and must never wait.
enum BlockingCall {
    /// Runs `body` on a new thread and suspends until it is done. Cancellation does not shorten the wait.
    static func run<R: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> R) async throws -> R {
        let outcome: Result<R, any Error> = await withUnsafeContinuation { continuation in
            do {
                try start(name) { continuation.resume(returning: Result { try body() }) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try outcome.get()
    }

    /// As `run`, but a cancelled task goes on at once with `CancellationError`; what the thread brings later is given to `discard`.
    static func runAbandonable<R: Sendable>(
        _ name: String, discard: @escaping @Sendable (R) -> Void, _ body: @escaping @Sendable () throws -> R
    ) async throws -> R {
        let call = AbandonableCall<R>()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                guard call.begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
                do {
                    try start(name) {
                        let result = Result { try body() }
                        if !call.finish(result), case .success(let late) = result { discard(late) }
                    }
                } catch {
                    _ = call.finish(.failure(error))
                }
            }
        } onCancel: {
            _ = call.finish(.failure(CancellationError()))
        }
    }

    /// Starts a detached thread.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        let box = Unmanaged.passRetained(ThreadBody(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
                name_current_thread(work.name)
                work.body()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw PostgresError(.connection, "the system refused a new thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = String(name.prefix(15))
        self.body = body
    }
}

private final class AbandonableCall<R: Sendable>: Sendable {
    private enum State {
        case fresh
        case waiting(UnsafeContinuation<R, any Error>)
        case over
    }

    private let state = Mutex(State.fresh)

    /// False when the task was cancelled before it began.
    func begin(_ continuation: UnsafeContinuation<R, any Error>) -> Bool {
        state.withLock { state in
            guard case .fresh = state else { return false }
            state = .waiting(continuation)
            return true
        }
    }

    /// False when somebody else was first.
    func finish(_ result: Result<R, any Error>) -> Bool {
        let (first, continuation) = state.withLock { state -> (Bool, UnsafeContinuation<R, any Error>?) in
            switch state {
            case .fresh:
                state = .over
                return (true, nil)
            case .waiting(let continuation):
                state = .over
                return (true, continuation)
            case .over:
                return (false, nil)
            }
        }
        continuation?.resume(with: result)
        return first
    }
}
