/// Pauses between attempts that fail: 50 ms doubling up to 2 s, each shortened at random by up to a half so that many waiting
/// programs do not come back at the same moment.
struct Backoff: Sendable {
    static let shortest = Duration.milliseconds(50)
    static let longest = Duration.seconds(2)
    private(set) var failures = 0

    mutating func succeed() {
        failures = 0
    }

    /// Notes a failure and gives the pause before the next attempt.
    mutating func fail() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return fail(using: &generator)
    }

    mutating func fail(using generator: inout some RandomNumberGenerator) -> Duration {
        let pause = min(Self.longest, Self.shortest * (1 << min(failures, 10)))
        failures += 1
        return pause * Double.random(in: 0.5...1, using: &generator)
    }
}
