/// A format of log lines that can be imported.
///
/// To add one: write a `LineFormat` in a folder of its own and name it in ``all``; the article "Add a log format" walks through it.
public struct LogFormat: Sendable {
    /// The name that `--format` takes and that a summary prints.
    public let name: String
    /// Other names that mean this format.
    public let aliases: [String]
    /// Whether lines are tried against it when no format was named. False for a format that another one covers.
    let isDetected: Bool
    let makeParser: @Sendable () -> any LineFormat

    init(
        _ name: String, aliases: [String] = [], isDetected: Bool = true, makeParser: @escaping @Sendable () -> any LineFormat
    ) {
        self.name = name
        self.aliases = aliases
        self.isDetected = isDetected
        self.makeParser = makeParser
    }

    /// The combined log format of Apache and nginx, with or without a leading virtual host and with any further fields after the agent.
    public static let combined = LogFormat("combined", aliases: ["apache", "nginx", "access"]) { AccessLogFormat() }
    /// The common log format: combined without referer and agent. Detection reads it as ``combined``.
    public static let common = LogFormat("common", aliases: ["clf"], isDetected: false) { AccessLogFormat() }
    /// nginx's error log: basic authentication, request and connection limits, access rules.
    public static let nginxError = LogFormat("nginx_error", aliases: ["nginx-error"]) { NginxErrorFormat() }
    /// sshd's messages in syslog lines, classic, ISO or RFC 5424; other programs' lines are skipped.
    public static let sshd = LogFormat("sshd", aliases: ["ssh", "syslog", "auth"]) { SSHDFormat() }
    /// Cardea's own JSON lines, as `query -o jsonl` prints them.
    public static let cardea = LogFormat("cardea", aliases: ["jsonl", "json"]) { CardeaFormat() }

    /// Every format, in the order in which detection tries them.
    public static let all: [LogFormat] = [.combined, .common, .nginxError, .sshd, .cardea]

    /// The format of a name or an alias, in any case; nil where there is none.
    public init?(name: String) {
        let name = name.lowercased()
        guard let format = Self.all.first(where: { $0.name == name || $0.aliases.contains(name) }) else { return nil }
        self = format
    }
}

extension LogFormat: Hashable, CustomStringConvertible {
    public static func == (a: LogFormat, b: LogFormat) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    public var description: String { name }
}
