import Glibc
import Synchronization

/// How many test databases there are at once: a few for each processor. Swift Testing starts every case of a target together, and hundreds of
/// databases made at once cost a small server its time limits.
final class DatabaseSeats: Sendable {
    static let shared = DatabaseSeats(max(8, 4 * Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free == 0 {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func free() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
