/// What became of one line of a log.
public enum LogLine: Sendable, Equatable {
    /// Something happened.
    case record(LogRecord)
    /// The line was understood and says nothing of its own: blank, a comment, another program, a second line about the same attempt.
    case skipped(reason: String)
    /// The line could not be taken; it belongs to the rejects, with this reason.
    case rejected(reason: String)
}
