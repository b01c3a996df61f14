import Glibc
import Synchronization

/// The readiness of one socket. At most one task waits at a time.
final class SocketWatch: Sendable {
    let descriptor: Int32
    let identifier: UInt64
    private let reactor: SocketReactor
    private let state = Mutex(State())

    private struct State {
        var waiting: UnsafeContinuation<Void, Never>?
        /// An interruption that came while nobody waited ends the next wait.
        var interrupted = false
        var closed = false
    }

    init(descriptor: Int32, identifier: UInt64, reactor: SocketReactor) {
        self.descriptor = descriptor
        self.identifier = identifier
        self.reactor = reactor
    }

    /// Suspends until the socket is ready, broken, closed or interrupted; the caller finds out which by trying.
    func wait(for interest: SocketInterest) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let suspended = state.withLock { state -> Bool in
                if state.interrupted || state.closed {
                    state.interrupted = false
                    return false
                }
                state.waiting = continuation
                return true
            }
            guard suspended else { return continuation.resume() }
            if !reactor.arm(self, for: interest) { wake() }
        }
    }

    func wake() {
        state.withLock { $0.waiting.take() }?.resume()
    }

    /// Ends the present wait, or else the next one.
    func interrupt() {
        let waiting = state.withLock { state in
            if state.waiting == nil { state.interrupted = true }
            return state.waiting.take()
        }
        waiting?.resume()
    }

    func clearInterruption() {
        state.withLock { $0.interrupted = false }
    }

    /// Breaks the connection under a task that waits for a server which does not answer. Safe from any thread.
    func shutdown() {
        state.withLock { state in
            if !state.closed { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// True when nothing has come in: an idle connection that has something to say is about to say that it ends.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0 && errno == EAGAIN
    }

    func close() {
        let waiting = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard !state.closed else { return nil }
            state.closed = true
            reactor.forget(self)
            Glibc.close(descriptor)
            return state.waiting.take()
        }
        waiting?.resume()
    }
}
