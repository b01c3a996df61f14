/// A format of log lines that can be imported.
///
/// To add one: write a table or a parser and name it in ``all``; the article "Add a log format" walks through it.
public struct LogFormat: Sendable {
    /// The name that `--format` takes and that a summary prints.
    public let name: String
    /// Other names that mean this format.
    public let aliases: [String]
    /// What its lines are and what they tell, in a few words.
    public let summary: String
    /// The programs that write it to a syslog.
    let programs: [StaticString]
    /// Whether lines are tried against it when no format was named. False for a format that another one covers.
    let isDetected: Bool
    /// The parser of its lines that are text.
    let makeParser: (@Sendable () -> any LineFormat)?
    /// The reader of its lines that are JSON or logfmt.
    let makeReader: (@Sendable () -> any FieldFormat)?

    init(
        _ name: String, aliases: [String] = [], programs: [StaticString] = [], isDetected: Bool = true, _ summary: String,
        text: (@Sendable () -> any LineFormat)? = nil, fields: (@Sendable () -> any FieldFormat)? = nil
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.programs = programs
        self.isDetected = isDetected
        makeParser = text
        makeReader = fields
    }

    /// The combined log format of Apache and nginx, with or without a leading virtual host and with any further fields after the agent.
    public static let combined = LogFormat(
        "combined", aliases: ["apache", "nginx", "access"], programs: ["nginx"], "access logs of Apache, nginx and Traefik",
        text: { AccessLogFormat() })
    /// The common log format: combined without referer and agent. Detection reads it as ``combined``.
    public static let common = LogFormat(
        "common", aliases: ["clf"], isDetected: false, "access logs without referer and agent", text: { AccessLogFormat() })
    /// nginx's error log: basic authentication, request and connection limits, access rules.
    public static let nginxError = LogFormat(
        "nginx_error", aliases: ["nginx-error"], "nginx's error log: basic authentication, limits, access rules",
        text: { NginxErrorFormat() })
    /// Apache's error log, 2.2 and 2.4: basic and digest authentication, access rules.
    public static let apacheError = LogFormat(
        "apache_error", aliases: ["apache-error", "httpd-error"], programs: ["apache2", "httpd", "apache"],
        "Apache's error log: basic and digest authentication, access rules", text: { ApacheErrorFormat() })
    /// HAProxy's HTTP log.
    public static let haproxy = LogFormat(
        "haproxy", programs: ["haproxy"], "HAProxy's HTTP log; a 401 of its own is a failed login", text: { HAProxyFormat() })
    /// Envoy's access log, the default text, Istio's, or JSON.
    public static let envoy = LogFormat(
        "envoy", aliases: ["istio"], programs: ["envoy"], "Envoy's access log, text or JSON", text: { EnvoyFormat() },
        fields: { FieldTable.envoy })
    /// Caddy's access log.
    public static let caddy = LogFormat(
        "caddy", programs: ["caddy"], "Caddy's access log (JSON); refused credentials are a failed login", fields: { FieldTable.caddy })
    /// Traefik's access log in JSON; in text it is ``combined`` with further fields.
    public static let traefik = LogFormat(
        "traefik", programs: ["traefik"], "Traefik's access log; a 401 to a user is a failed login", text: { AccessLogFormat() },
        fields: { FieldTable.traefik })
    /// Keycloak's event log, text or JSON.
    public static let keycloak = LogFormat(
        "keycloak", programs: ["keycloak", "kc", "kc.sh"], "Keycloak's events: logins, tokens, accounts", text: { KeycloakFormat() },
        fields: { KeycloakFormat() })
    /// Authelia's log, text or JSON.
    public static let authelia = LogFormat(
        "authelia", programs: ["authelia"], "Authelia: first and second factors, access", fields: { FieldTable.authelia })
    /// authentik's events.
    public static let authentik = LogFormat(
        "authentik", programs: ["authentik"], "authentik's events and requests (JSON)", fields: { FieldTable.authentik })
    /// Grafana's log, logfmt or JSON.
    public static let grafana = LogFormat(
        "grafana", programs: ["grafana", "grafana-server"], "Grafana: logins and requests", fields: { GrafanaFormat() })
    /// Gitea's and Forgejo's log.
    public static let gitea = LogFormat(
        "gitea", aliases: ["forgejo"], programs: ["gitea", "forgejo"], "Gitea and Forgejo: failed logins", text: { GiteaFormat() })
    /// PostgreSQL's log: stderr, csvlog, jsonlog, syslog.
    public static let postgreSQL = LogFormat(
        "postgresql", aliases: ["postgres", "pgsql"], programs: ["postgres", "postgresql"],
        "PostgreSQL (stderr, csvlog, jsonlog): logins, pg_hba, permissions", text: { PostgreSQLFormat() }, fields: { PostgreSQLFormat() })
    /// HashiCorp Vault's audit log.
    public static let vault = LogFormat(
        "vault", aliases: ["openbao"], programs: ["vault", "bao"], "Vault's and OpenBao's audit log", fields: { FieldTable.vault })
    /// AWS CloudTrail.
    public static let cloudTrail = LogFormat(
        "cloudtrail", aliases: ["aws"], "AWS CloudTrail: console sign-ins, refused calls, policies", fields: { FieldTable.cloudTrail })
    /// Okta's system log.
    public static let okta = LogFormat("okta", "Okta's system log, lines or arrays", fields: { FieldTable.okta })
    /// sshd's messages in syslog lines, classic, ISO or RFC 5424; other programs' lines are skipped.
    public static let sshd = LogFormat(
        "sshd", aliases: ["ssh", "syslog", "auth"], "sshd's messages in a syslog", text: { SSHDFormat() })
    /// Cardea's own JSON lines, as `query -o jsonl` prints them.
    public static let cardea = LogFormat("cardea", aliases: ["jsonl", "json"], "Cardea's own JSON lines", text: { CardeaFormat() })

    /// Lines of JSON or logfmt that a mapping explains.
    public static func mapped(_ mapping: FieldMapping) -> LogFormat {
        let table = mapping.table
        return LogFormat(mapping.name, "lines of JSON or logfmt by a mapping", fields: { table })
    }

    /// Every format, in the order in which detection tries them. sshd's comes late: any syslog line looks like one of its.
    public static let all: [LogFormat] = [
        .combined, .common, .nginxError, .apacheError, .haproxy, .envoy, .caddy, .traefik, .keycloak, .authelia, .authentik, .grafana,
        .gitea,
        .postgreSQL, .vault, .cloudTrail, .okta, .sshd, .cardea,
    ]

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
