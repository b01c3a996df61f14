import AuditTesting
import DatabaseTesting
import Testing

@testable import EventStore

@Suite("Every event log keeps the promises")
struct ConformanceTests {
    @Test("in memory", arguments: EventLogConformance.checks, [1, 4])
    func memory(check: EventLogConformance.Check, shards: Int) async throws {
        try await check.run(EventLogConformance(MemoryEventLog(shards: shards)))
    }

    @Test("in PostgreSQL", arguments: [1, 4])
    func postgres(shards: Int) async throws {
        try await withStore(shards: shards) { (store) async throws in
            for check in EventLogConformance.checks {
                do { try await check.run(EventLogConformance(store.log)) } catch { Issue.record("\(check): \(error)") }
            }
            store.expectWellFormed(try await store.entries())
        }
    }

    @Test("in memory, a tenant stays where it is when shards are added")
    func memoryGrows() async throws {
        let log = MemoryEventLog(shards: 1)
        let shard = try await log.shard(of: "a")
        log.grow(to: 8)
        #expect(try await log.shard(of: "a") == shard)
        #expect(try await log.shards().count == 8)
    }
}

@Suite("The manual clock")
struct ManualClockTests {
    @Test("wakes a sleeper when it is advanced to its deadline, and not before")
    func wakes() async throws {
        let clock = ManualClock()
        let task = Task { try await clock.sleep(for: .seconds(5)) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(4))
        #expect(clock.now.offset == .seconds(4))
        clock.advance(by: .seconds(1))
        try await task.value
        let cancelled = Task { try await clock.sleep(for: .seconds(5)) }
        await clock.waitForSleepers()
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
}
