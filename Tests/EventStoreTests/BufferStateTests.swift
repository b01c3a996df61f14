import AuditEvents
import Testing

@testable import EventStore

@Suite("The decisions of the buffer")
struct BufferStateTests {
    private func accepted(_ admission: BufferState<Int>.Admission) -> BufferState<Int>.Wake? {
        if case .accepted(let wake) = admission { wake } else { nil }
    }

    @Test("the first event starts the delay, the last of a batch ends it, and what does not fit is not taken")
    func batches() throws {
        var state = BufferState<Int>(capacity: 5, batchSize: 3)
        let all = try encoded(events(6))
        #expect(accepted(state.offer(all[0], waiter: nil)) == .afterDelay)
        #expect(accepted(state.offer(all[1], waiter: nil)) == BufferState<Int>.Wake.none)
        #expect(accepted(state.offer(all[2], waiter: nil)) == .now)
        let first = state.take()
        #expect(first.first == 0 && first.entries.count == 3 && state.inFlight == 3 && state.durableBelow == 0)
        for event in all[3...4] { #expect(accepted(state.offer(event, waiter: nil)) != nil) }
        // What is on its way takes room until it is durable.
        #expect(accepted(state.offer(all[5], waiter: nil)) == nil)
        let second = state.take()
        state.finished(first: second.first, count: 2)
        #expect(state.durableBelow == 0, "the older batch is still on its way")
        state.finished(first: 0, count: 3)
        #expect(state.durableBelow == 5 && state.occupied == 0)
        state.close()
        #expect(accepted(state.offer(all[5], waiter: nil)) == nil)
    }
}
