/// One log format's parser: bytes of a line in, what it says out.
///
/// A conforming struct may keep state from line to line (bounded); it does no I/O and reads no clock but the one it is given. It must not trap on
/// any bytes whatever.
protocol LineFormat: Sendable {
    /// Parses a line without its line end.
    ///
    /// - Parameter clock: turns local times into moments and knows the current time.
    /// - Returns: nil where the line is not of this format at all, so that another may try.
    mutating func parse(_ line: Bytes, clock: inout LogClock) -> LogLine?

    /// Parses what a program of this format wrote to a syslog, where the time may be the syslog's.
    mutating func parse(message: SyslogLine, clock: inout LogClock) -> LogLine?

    /// The syslog line that was skipped last because another program wrote it.
    var foreign: SyslogLine? { get }
}

extension LineFormat {
    mutating func parse(message: SyslogLine, clock: inout LogClock) -> LogLine? { parse(message.message, clock: &clock) }
    var foreign: SyslogLine? { nil }
}
