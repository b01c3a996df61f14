/// What one attempt to deliver came to. Thrown where nothing could be sent at all.
public struct DeliveryAttempt: Error, Sendable, Hashable {
    public var outcome: RetrySchedule.Outcome
    /// For people: one line, with nothing secret in it.
    public var detail: String

    public init(_ outcome: RetrySchedule.Outcome, _ detail: String) {
        self.outcome = outcome
        // What a receiver answers is anybody's text.
        let line = detail.unicodeScalars.prefix(300).map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? " " : $0 }
        self.detail = String(String.UnicodeScalarView(line))
    }
}
