import Testing

@testable import Alerting

@Suite("The retry schedule")
struct RetryScheduleTests {
    let schedule = RetrySchedule.standard

    @Test("an endless failure is tried ten times over the times of Standard Webhooks, then dead")
    func wholeSchedule() {
        var times: [Int64] = [0]
        for attempt in 1...9 {
            guard case .retry(let after) = schedule.decide(.unreachable, attempt: attempt, jitter: 0) else {
                Issue.record("attempt \(attempt) is the last")
                return
            }
            times.append((times.last ?? 0) + after)
        }
        #expect(times == [0, 5, 305, 2105, 9305, 27_305, 63_305, 113_705, 185_705, 272_105])
        for attempt in [10, 11, Int.max] { #expect(schedule.decide(.unreachable, attempt: attempt, jitter: 0) == .dead) }
    }

    @Test("only 2xx is a success and only 410 disables, at every attempt", arguments: 1...10)
    func statuses(attempt: Int) {
        for status in 100...599 {
            let decision = schedule.decide(.status(status), attempt: attempt, jitter: 0.5)
            switch status {
            case 200...299: #expect(decision == .delivered)
            case 410: #expect(decision == .disable)
            default: #expect(decision != .delivered && decision != .disable)
            }
        }
    }

    @Test("Retry-After lengthens a delay, shortens none and is bounded")
    func retryAfter() {
        #expect(schedule.decide(.status(429, retryAfter: 60), attempt: 1, jitter: 0) == .retry(after: 60))
        #expect(schedule.decide(.status(503, retryAfter: 1), attempt: 2, jitter: 0) == .retry(after: 300))
        #expect(schedule.decide(.status(503, retryAfter: -9), attempt: 1, jitter: 0) == .retry(after: 5))
        #expect(schedule.decide(.status(503, retryAfter: .max), attempt: 1, jitter: 0) == .retry(after: 86_400))
    }

    @Test("the jitter adds at most a tenth, whatever number is given", arguments: [0, 0.3, 1, 7, -3, .nan, .infinity])
    func jitter(_ jitter: Double) {
        guard case .retry(let after) = schedule.decide(.unreachable, attempt: 2, jitter: jitter) else {
            Issue.record("not tried again")
            return
        }
        #expect((300...330).contains(after))
    }

    @Test("a refused destination is not tried again")
    func refused() { #expect(schedule.decide(.refused, attempt: 1, jitter: 0) == .dead) }
}
