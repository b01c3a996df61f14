import AuditEvents
import AuditTesting
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

    @Test("whatever happens, order and bound hold, and an event never waits for nothing", arguments: 0..<200 as Range<Int>)
    func anything(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        let capacity = Int.random(in: 1...12, using: &random)
        let batchSize = Int.random(in: 1...8, using: &random)
        var state = BufferState<Int>(capacity: capacity, batchSize: batchSize)
        let event = try encoded(events(1))[0]
        // The model: numbers in the buffer, batches on their way, and whether a timer or a writer will come for what is in the buffer.
        var waiting: [Int] = []
        var flying: [(first: Int, numbers: [Int])] = []
        var next = 0
        var isCalled = false
        var isClosed = false
        for _ in 0..<300 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<11:
                let wake = accepted(state.offer(event, waiter: next))
                let fits = !isClosed && waiting.count + flying.reduce(0) { $0 + $1.numbers.count } < capacity
                #expect((wake != nil) == fits)
                guard let wake else { continue }
                waiting.append(next)
                next += 1
                if waiting.count == batchSize { #expect(wake == .now) }
                if wake != .none { isCalled = true }
            case 11..<15 where !waiting.isEmpty:
                let batch = state.take()
                let numbers = Array(waiting.prefix(batchSize))
                waiting.removeFirst(numbers.count)
                #expect(batch.first == numbers[0] && batch.entries.map(\.waiter) == numbers)
                flying.append((batch.first, numbers))
                // The taker comes back for a remainder.
                isCalled = !waiting.isEmpty
            case 15..<19 where !flying.isEmpty:
                let batch = flying.remove(at: Int.random(in: 0..<flying.count, using: &random))
                state.finished(first: batch.first, count: batch.numbers.count)
            case 19 where Int.random(in: 0..<40, using: &random) == 0:
                state.close()
                isClosed = true
            default: break
            }
            #expect(waiting.isEmpty || isCalled)
            #expect(state.entries.count == waiting.count && state.occupied <= capacity && state.isClosed == isClosed)
            #expect(state.durableBelow == (flying.flatMap(\.numbers) + waiting).min() ?? next)
        }
    }
}
