import AuditEvents
public import Detection
import FoundationEssentials

/// Who is told about which alerts, as a YAML file says it.
///
/// ```yaml
/// receivers:
///     oncall: {type: pagerduty, routing_key: {env: PAGERDUTY_KEY}}
///     chat: {type: slack, url: {file: /run/secrets/slack-url}}
///     siem: {type: syslog, host: 10.0.0.5, port: 6514, transport: tls, format: cef, allow_private: true}
/// routes:
///     - {receivers: [oncall], severity: high}
///     - {receivers: [chat, siem], tenants: [acme]}
/// ```
///
/// Without `routes` every receiver is told of every alert.
public struct DeliverySettings: Sendable {
    /// By name, in the file's order.
    public var receivers: [Receiver] = []
    public var routes: [DeliveryRoute] = []
    /// Names of the receivers that hold a secret in the file itself.
    public var withSecrets: [String] = []
    /// Receivers that cannot be read here, and why; none unless that was allowed.
    public var unreadable: [(name: String, error: RuleError)] = []

    public static let maximumReceivers = 100

    public init() {}

    public subscript(_ name: String) -> Receiver? { receivers.first { $0.name == name } }

    /// - Parameters:
    ///   - variable: what an environment variable holds.
    ///   - contents: what a file holds.
    ///   - isLenient: whether receivers that cannot be read are left out: who only looks may not have everybody's secrets.
    /// - Throws: `RuleErrors` with every fault, by its place.
    public init(
        _ yaml: [UInt8], file: String, variable: @escaping (String) -> String?, contents: @escaping (String) -> [UInt8]?,
        isLenient: Bool = false
    ) throws(RuleErrors) {
        self.init()
        var errors: [RuleError] = []
        do throws(RuleError) {
            for document in try RuleDocuments.read(yaml, file: file) {
                let members = try document.requireMembers("the file")
                try members.refuseOthers(than: ["receivers", "routes"], in: "the file")
                if let node = members["receivers"], node.scalar != .null {
                    let named = try node.requireMembers("receivers")
                    for name in named.order {
                        guard let value = named[name] else { continue }
                        do throws(RuleError) {
                            var reading = ReceiverReading(
                                node: value, members: try value.requireMembers("a receiver"), variable: variable, contents: contents)
                            guard name.utf8.count <= 100, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") }) else {
                                throw value.error(
                                    .value, "a receiver's name is 1 to 100 printable ASCII characters without blanks", construct: name)
                            }
                            receivers.append(try reading.receiver(name))
                            if reading.hasSecret { withSecrets.append(name) }
                        } catch {
                            if isLenient { unreadable.append((name, error)) } else { errors.append(error) }
                        }
                    }
                    if receivers.count > DeliverySettings.maximumReceivers {
                        throw node.error(.limit, "there may be \(DeliverySettings.maximumReceivers) receivers", construct: "")
                    }
                }
                if let node = members["routes"], node.scalar != .null {
                    guard let routes = node.elements else { throw node.error(.structure, "routes must be a list", construct: "") }
                    for route in routes {
                        do throws(RuleError) { self.routes.append(try DeliverySettings.route(route)) } catch { errors.append(error) }
                    }
                } else {
                    routes = [DeliveryRoute(receivers: receivers.map(\.name))]
                }
                if let node = members["routes"], errors.isEmpty,
                    let wrong = routes.flatMap(\.receivers).first(where: { name in
                        self[name] == nil && !unreadable.contains { $0.name == name }
                    })
                {
                    throw node.error(.reference, "no receiver has this name", construct: wrong)
                }
            }
        } catch { errors.append(error) }
        guard errors.isEmpty else { throw RuleErrors(errors) }
    }

    private static func route(_ node: RuleNode) throws(RuleError) -> DeliveryRoute {
        let members = try node.requireMembers("a route")
        try members.refuseOthers(than: ["receivers", "severity", "rules", "tenants"], in: "a route")
        var route = DeliveryRoute(receivers: try members.require("receivers").requireTexts("receivers"))
        if let severity = members["severity"] {
            let name = try severity.requireText("severity")
            guard let level = Severity.allCases.first(where: { $0.name == name }) else {
                throw severity.error(
                    .value, "there is no such severity", advice: "informational, low, medium, high, critical: that and above")
            }
            route.leastSeverity = level
        }
        route.rules = Set(try members["rules"]?.requireTexts("rules") ?? [])
        route.tenants = Set(try members["tenants"]?.requireTexts("tenants") ?? [])
        return route
    }
}

/// Reads one receiver.
private struct ReceiverReading {
    let node: RuleNode
    let members: RuleMembers
    let variable: (String) -> String?
    let contents: (String) -> [UInt8]?
    var hasSecret = false

    private static let common: Set<String> = ["type", "resolved", "repeat", "wait", "allow_private", "ca"]
    private static let keys: [String: Set<String>] = [
        "webhook": ["url", "secrets", "format", "token", "user", "password"],
        "alertmanager": ["url", "token", "user", "password"], "pagerduty": ["url", "routing_key"], "slack": ["url"],
        "email": ["host", "port", "security", "user", "password", "from", "to"],
        "syslog": ["host", "port", "transport", "format", "facility"],
    ]

    mutating func receiver(_ name: String) throws(RuleError) -> Receiver {
        let typeNode = try members.require("type")
        let type = try typeNode.requireText("type")
        guard let keys = Self.keys[type] else {
            throw typeNode.error(
                .value, "there is no such kind of receiver", advice: "known: \(Self.keys.keys.sorted().joined(separator: ", "))")
        }
        try members.refuseOthers(than: keys.union(Self.common), in: "a receiver of type \(type)")
        let policy = DestinationPolicy(allowPrivate: try flag("allow_private") ?? false)
        let resolver = DestinationResolver(policy)
        let authorities = try members["ca"]?.requireText("ca")
        let channel: Receiver.Channel
        let place: String
        switch type {
        case "webhook":
            let target = try target("url", policy)
            var signer: WebhookSigner?
            if let node = members["secrets"] {
                var secrets: [String] = []
                for element in node.elements ?? [node] { secrets.append(try secret(element, "secrets")) }
                signer = WebhookSigner(secrets: secrets)
                if signer == nil {
                    throw node.error(
                        .value, "a webhook's secrets are whsec_ and base64 of 24 to 64 bytes each", construct: "",
                        advice: "make one: echo whsec_$(openssl rand -base64 32)")
                }
            }
            channel = .webhook(target, signer, try choice("format") ?? .json)
            place = target.origin
        case "alertmanager":
            let base = try target("url", policy)
            let target = base.url.contains("/api/v2/alerts") ? base : base.appending("/api/v2/alerts") ?? base
            channel = .alertmanager(target)
            place = target.origin
        case "pagerduty":
            let standard = HTTPTarget("https://events.pagerduty.com/v2/enqueue")
            guard let target = members["url"] == nil ? standard : try target("url", policy) else { throw node.error(.value, "url") }
            channel = .pagerDuty(target, routingKey: try secret(try members.require("routing_key"), "routing_key"))
            place = target.origin
        case "slack":
            let target = try target("url", policy)
            channel = .slack(target)
            place = target.origin
        case "email":
            let host = try members.require("host").requireText("host")
            let security: MailSender.Security = try choice("security") ?? .starttls
            let port = try number("port", 1...65535) ?? (security == .tls ? 465 : security == .starttls ? 587 : 25)
            let to = try members.require("to").requireTexts("to")
            let from = try members.require("from").requireText("from")
            let user = try members["user"]?.requireText("user")
            let password = try optionalSecret("password")
            let sender = MailSender(
                host: host, port: port, security: security, user: user, password: password, from: from, to: to, resolver: resolver,
                authorities: authorities)
            if let problem = sender.problem { throw node.error(.value, problem, construct: "") }
            channel = .mail(sender)
            place = "\(to.joined(separator: ", ")) by \(host):\(port)"
        default:
            let host = try members.require("host").requireText("host")
            let transport: SyslogSender.Transport = try choice("transport") ?? .udp
            let port = try number("port", 1...65535) ?? (transport == .tls ? 6514 : 514)
            let sender = SyslogSender(host: host, port: port, transport: transport, resolver: resolver, authorities: authorities)
            channel = .syslog(sender, try choice("format") ?? .cef, facility: try number("facility", 0...23) ?? 13)
            place = "\(host):\(port)/\(transport.rawValue)"
        }
        let isForPeople = type == "slack" || type == "email"
        var receiver = Receiver(
            name: name, channel: channel, authorization: try authorization(),
            sendsResolved: try flag("resolved") ?? !isForPeople, repeatSeconds: 4 * 3600,
            waitSeconds: type == "email" ? 30 : isForPeople ? 10 : 0,
            policy: policy, authorities: authorities, destination: place)
        if type == "alertmanager" { receiver.repeatSeconds = 300 }
        if type == "syslog" { receiver.repeatSeconds = nil }
        if let node = members["repeat"] {
            receiver.repeatSeconds = node.scalar?.text == "never" ? nil : try Duration(sigma: node, what: "repeat").components.seconds
            if let seconds = receiver.repeatSeconds, seconds < 60 { throw node.error(.value, "repeat is a minute at least, or never") }
        }
        if let node = members["wait"] {
            guard isForPeople else { throw node.error(.unsupported, "only email and slack gather what they tell", construct: "wait") }
            receiver.waitSeconds = try Duration(sigma: node, what: "wait").components.seconds
            guard (1...3600).contains(receiver.waitSeconds) else { throw node.error(.value, "wait goes from 1s to 1h") }
        }
        return receiver
    }

    private mutating func authorization() throws(RuleError) -> String? {
        if let token = try optionalSecret("token") {
            if let node = members["user"] { throw node.error(.structure, "give a token, or a user and password", construct: "user") }
            return try header("Bearer \(token)")
        }
        guard members["type"]?.scalar?.text != "email", let user = members["user"] else { return nil }
        let name = try user.requireText("user")
        let password = try secret(try members.require("password"), "password")
        return try header("Basic " + Data("\(name):\(password)".utf8).base64EncodedString())
    }

    private func header(_ value: String) throws(RuleError) -> String {
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
            throw node.error(.value, "a token is printable ASCII", construct: "token")
        }
        return value
    }

    private mutating func target(_ key: String, _ policy: DestinationPolicy) throws(RuleError) -> HTTPTarget {
        let node = try members.require(key)
        guard let target = HTTPTarget(try secret(node, key)) else {
            throw node.error(
                .value, "this is no URL that is posted to", construct: "",
                advice: "https://host/path, the host in lower case, without user information, blanks or a fragment")
        }
        guard target.isSecure || policy.allowPrivate else {
            throw node.error(
                .value, "http is for a network of one's own", construct: target.origin, advice: "https, or allow_private: true")
        }
        return target
    }

    private mutating func optionalSecret(_ key: String) throws(RuleError) -> String? {
        guard let node = members[key] else { return nil }
        return try secret(node, key)
    }

    /// A text, or `{env: NAME}` or `{file: PATH}`, whose one line end is cut off. No message holds the text itself.
    private mutating func secret(_ node: RuleNode, _ what: String) throws(RuleError) -> String {
        guard node.scalar == nil else {
            if what != "url" || members["type"]?.scalar?.text == "slack" { hasSecret = true }
            return try node.requireText(what)
        }
        let source = try node.requireMembers(what)
        try source.refuseOthers(than: ["env", "file"], in: what)
        if let name = source["env"] {
            let name = try name.requireText("env")
            guard let value = variable(name), !value.isEmpty else {
                throw node.error(.value, "the environment variable is not set", construct: name)
            }
            return value
        }
        let path = try source.require("file").requireText("file")
        guard var bytes = contents(path) else { throw node.error(.value, "the file cannot be read", construct: path) }
        if bytes.last == 10 { bytes.removeLast() }
        if bytes.last == 13 { bytes.removeLast() }
        guard let line = String(validating: bytes, as: UTF8.self) else {
            throw node.error(.value, "the file is not UTF-8", construct: path)
        }
        guard !line.isEmpty else { throw node.error(.value, "the file is empty", construct: path) }
        return line
    }

    private func flag(_ key: String) throws(RuleError) -> Bool? {
        guard let node = members[key] else { return nil }
        guard case .bool(let value) = node.scalar else { throw node.error(.value, "\(key) is true or false") }
        return value
    }

    private func number(_ key: String, _ range: ClosedRange<Int>) throws(RuleError) -> Int? {
        guard let node = members[key] else { return nil }
        guard let value = Int(try node.requireText(key)), range.contains(value) else {
            throw node.error(.value, "\(key) goes from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private func choice<C: RawRepresentable & CaseIterable>(_ key: String) throws(RuleError) -> C? where C.RawValue == String {
        guard let node = members[key] else { return nil }
        guard let value = C(rawValue: try node.requireText(key)) else {
            throw node.error(.value, "\(key) is one of \(C.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }
}
