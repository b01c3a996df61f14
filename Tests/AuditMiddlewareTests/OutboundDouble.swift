import AuditMiddleware
import HTTPTypes
import Synchronization

/// Other people's servers, as a test has them answer; notes what was asked. With `hold()` answers wait until `release()`.
final class OutboundDouble: OutboundHTTP {
    private struct State: Sendable {
        var answer: @Sendable (OutboundRequest) throws(OutboundError) -> OutboundResponse
        var requests: [OutboundRequest] = []
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    init(_ answer: @escaping @Sendable (OutboundRequest) throws(OutboundError) -> OutboundResponse) {
        state = Mutex(State(answer: answer))
    }

    var requests: [OutboundRequest] { state.withLock { $0.requests } }
    var waiting: Int { state.withLock { $0.waiting.count } }

    func answer(_ answer: @escaping @Sendable (OutboundRequest) throws(OutboundError) -> OutboundResponse) {
        state.withLock { $0.answer = answer }
    }
    func hold() { state.withLock { $0.isHeld = true } }
    func release() {
        let waiting = state.withLock { state in
            state.isHeld = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answer
        }
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.isHeld else { return true }
                state.waiting.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
        return try answer(request)
    }
}

/// Waits for the state itself, for a generous while.
func until(_ condition: @Sendable () -> Bool) async {
    let deadline = ContinuousClock.now + .seconds(20)
    while !condition(), ContinuousClock.now < deadline { await Task.yield() }
}
