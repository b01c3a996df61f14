import ArgumentParser
import AuditEvents
import EventStore

/// What several commands read from their options alike.
enum OptionValues {
    /// The parts of values that may be given several times, and each as a list with commas.
    ///
    /// A value that turns out empty, of a shell's unset variable perhaps, must not ask for everything.
    static func split(_ values: [String], _ option: String) throws -> [String] {
        try values.flatMap { value in
            let parts = value.split(separator: ",").map(String.init)
            guard !parts.isEmpty else { throw ValidationError("\(option) is empty.") }
            return parts
        }
    }

    /// The times of `--since` and `--until`; a date in the latter includes its day.
    static func times(since: String?, until: String?, now: Timestamp) throws -> (since: Timestamp?, until: Timestamp?) {
        func time(_ text: String?, _ option: String, endOfDay: Bool) throws -> Timestamp? {
            guard let text else { return nil }
            guard let time = TimeExpression.parse(text, now: now, endOfDay: endOfDay) else {
                throw ValidationError("\(option) '\(text)' is no time: 2026-11-23, 2026-11-23T10:00:00Z, 90m, 24h, 7d.")
            }
            return time
        }
        let (first, last) = (try time(since, "--since", endOfDay: false), try time(until, "--until", endOfDay: true))
        if let first, let last, first > last { throw ValidationError("--since is after --until.") }
        return (first, last)
    }
}
