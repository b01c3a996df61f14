import CLibpq
import Glibc
import Synchronization

/// Carries the cancellation of a task to the server.
///
/// The request travels on a connection of its own and may reach the server before the statement does, which then runs on; so it
/// is repeated until the statement has ended. And it may be late: the turn is not passed on before it has arrived, or it would
/// hit the next statement. A server that does not answer within `patience` loses the connection.
///
/// `@unchecked Sendable`: libpq's cancel object is immutable, `PQcancel` may be called from any thread, and it is freed once.
final class SessionCancellation: @unchecked Sendable {
    private struct State {
        var operation: UInt64 = 0
        var isRunning = false
        var isRequested = false
        /// A thread is at work on the request.
        var isTravelling = false
        var isBroken = false
        var end: UnsafeContinuation<Void, Never>?
    }

    private static let patience = Duration.seconds(5)
    private let cancelHandle: OpaquePointer?
    private let watch: SocketWatch
    private let state = Mutex(State())

    init(cancelHandle: OpaquePointer?, watch: SocketWatch) {
        self.cancelHandle = cancelHandle
        self.watch = watch
    }

    deinit {
        PQfreeCancel(cancelHandle)
    }

    var isBroken: Bool { state.withLock { $0.isBroken } }

    /// A statement is about to be sent. Gives the number under which it can be cancelled.
    func begin() -> UInt64 {
        state.withLock { state in
            state.operation += 1
            state.isRunning = true
            state.isRequested = false
            return state.operation
        }
    }

    /// The statement has ended. True when it was to be cancelled; waits until no request is on its way any more.
    func end() async -> Bool {
        let (requested, travelling) = state.withLock { state in
            state.isRunning = false
            return (state.isRequested, state.isTravelling)
        }
        guard travelling else { return requested }
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let wait = state.withLock { state in
                if state.isTravelling { state.end = continuation }
                return state.isTravelling
            }
            if !wait { continuation.resume() }
        }
        return true
    }

    /// Asks the server to stop the statement, if it is still running.
    func request(_ operation: UInt64) {
        let first = state.withLock { state in
            guard state.isRunning, state.operation == operation, !state.isRequested else { return false }
            state.isRequested = true
            state.isTravelling = true
            return true
        }
        guard first else { return }
        do {
            try BlockingCall.start("postgres-cancel") { self.travel() }
        } catch {
            giveUp(operation)
        }
        Task.detached {
            try? await Task.sleep(for: Self.patience)
            self.giveUp(operation)
        }
    }

    /// Cancels a statement that is known to be running, and waits until the request has arrived.
    func sendOnce() async throws {
        try await BlockingCall.run("postgres-cancel") { self.send() }
    }

    private func send() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
            _ = PQcancel(cancelHandle, message.baseAddress, 256)
        }
    }

    private func travel() {
        var pause = 64
        while true {
            send()
            for _ in 0..<pause {
                if arrived() { return }
                usleep(1000)
            }
            pause = min(pause * 2, 1000)
        }
    }

    /// True when the statement has ended, so that there is nothing left to cancel.
    private func arrived() -> Bool {
        let (over, end) = state.withLock { state -> (Bool, UnsafeContinuation<Void, Never>?) in
            guard !state.isRunning || state.isBroken else { return (false, nil) }
            state.isTravelling = false
            return (true, state.end.take())
        }
        end?.resume()
        return over
    }

    private func giveUp(_ operation: UInt64) {
        let (stuck, end) = state.withLock { state -> (Bool, UnsafeContinuation<Void, Never>?) in
            guard state.operation == operation, state.isTravelling else { return (false, nil) }
            state.isBroken = true
            state.isTravelling = false
            return (true, state.end.take())
        }
        if stuck { watch.shutdown() }
        end?.resume()
    }
}
