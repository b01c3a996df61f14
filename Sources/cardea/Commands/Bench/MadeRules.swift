import AuditEvents

/// Rules shaped as SigmaHQ's are, made up from a seed, for measurements: three in five about a web server's log, the others about sign-ins and
/// about applications. All of them are about events that Cardea has; of SigmaHQ's own most are about Windows and would cost nothing here.
struct MadeRules {
    private var random: SplitMix
    private var made = 0

    static let summary =
        "60 % webserver, 20 % application, 20 % authentication; lists of contains, startswith, endswith, all, whole values, keywords, re, cidr, 1 of selection_*, filters"
    /// A file may hold 1,000 documents and 1 MB.
    private static let documentsPerFile = 500

    static func files(_ count: Int, seed: UInt64) -> [(name: String, yaml: [UInt8])] {
        var rules = MadeRules(random: SplitMix(state: seed))
        return stride(from: 0, to: count, by: documentsPerFile).map { start in
            let documents = (start..<min(count, start + documentsPerFile)).map { _ in rules.next() }
            return ("made_\(start / documentsPerFile).yml", Array(documents.joined(separator: "---\n").utf8))
        }
    }

    private static let products = [
        "confluence", "exchange", "citrix", "fortigate", "vcenter", "jenkins", "gitlab", "wordpress", "drupal", "magento", "solr", "tomcat",
        "weblogic", "struts", "zimbra", "sharepoint", "pulse", "sonicwall", "moveit", "grafana", "nagios", "zabbix", "cacti", "joomla",
    ]
    private static let parts = [
        "admin", "upload", "console", "autodiscover", "template", "actuator", "webshell", "setup", "backup", "config", "export", "debug",
        "invoker", "servlet", "plugin", "gateway", "session", "report", "download", "include", "proxy", "remote", "execute", "import",
    ]
    private static let endings = [".php", ".jsp", ".aspx", ".cgi", ".action", ".do", ".ashx", ".bak", ".zip", ".sql"]

    private mutating func next(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    private mutating func pick(_ texts: [String]) -> String { texts[next(texts.count)] }

    /// Part of a path: one in four hundred is of the attacks in `BenchMix`, the others no event has.
    private mutating func path() -> String {
        if next(400) == 0 { return pick(["/etc/passwd", "/.env", "/.git/", "/uploads/shell", "/phpmyadmin/", "/cgi-bin/luci"]) }
        return "/\(pick(Self.products))/\(pick(Self.parts))-\(next(100_000))/\(pick(Self.parts))"
    }
    private mutating func name() -> String { "\(pick(Self.products))_\(pick(Self.parts))\(next(100_000))" }

    private mutating func list(_ key: String, _ least: Int, _ most: Int, _ text: (inout MadeRules) -> String) -> String {
        var lines = ["        \(key):"]
        for _ in 0..<(least + next(most - least + 1)) { lines.append("            - '\(text(&self))'") }
        return lines.joined(separator: "\n")
    }

    private mutating func next() -> String {
        made += 1
        let (category, detection): (String, String) =
            switch next(5) {
            case 0: ("application", application())
            case 1: ("authentication", authentication())
            default: ("webserver", webserver())
            }
        let digits = String(made)
        let id = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return """
            title: Made rule \(made) about \(pick(Self.products))
            id: \(id)
            status: test
            description: Detects exploitation of \(pick(Self.products)) by way of its \(pick(Self.parts))
            references:
                - https://example.org/advisories/\(made)
            author: cardea bench
            date: 2026-11-23
            tags:
                - attack.initial-access
                - attack.t1190
            logsource:
                category: \(category)
            detection:
            \(detection)
            falsepositives:
                - Unknown
            level: \(["low", "medium", "high", "critical"][next(4)])

            """
    }

    private mutating func webserver() -> String {
        switch next(100) {
        case ..<26:
            return "    selection:\n" + list("cs-uri-query|contains", 2, 12) { $0.path() } + "\n    condition: selection"
        case ..<38:
            return "    selection:\n        cs-method: 'POST'\n" + list("cs-uri-query|contains|all", 2, 3) { $0.path() }
                + "\n        sc-status: 200\n    condition: selection"
        case ..<48:
            return "    selection:\n" + list("cs-uri-stem|endswith", 1, 8) { "/\($0.name())\($0.pick(Self.endings))" }
                + "\n        sc-status:\n            - 200\n            - 302\n    condition: selection"
        case ..<56:
            return "    selection:\n" + list("cs-uri-stem|startswith", 1, 4) { $0.path() }
                + "\n    filter_main_agent:\n        cs-user-agent|startswith: 'Monitor/\(next(1000))'\n    condition: selection and not 1 of filter_main_*"
        case ..<68:
            return "    selection:\n" + list("cs-user-agent|contains", 2, 12) { "\($0.name())/" } + "\n    condition: selection"
        case ..<76:
            return "    selection:\n" + list("cs-uri-stem", 1, 10) { "\($0.path())\($0.pick(Self.endings))" } + "\n    condition: selection"
        case ..<86:
            return "    selection_path:\n" + list("cs-uri-query|contains", 1, 4) { $0.path() } + "\n    selection_agent:\n"
                + list("cs-user-agent|contains", 1, 4) { $0.name() } + "\n    selection_referer:\n        cs-referer|endswith: '\(path())'"
                + "\n    condition: 1 of selection_*"
        case ..<92:
            var lines = ["    keywords:"]
            for _ in 0..<(2 + next(10)) { lines.append("        - '\(path())'") }
            return lines.joined(separator: "\n") + "\n    condition: keywords"
        case ..<96:
            return "    selection:\n" + list("cs-uri-query|contains", 1, 3) { $0.path() }
                + "\n        cs-uri-query|re: '(?i)\(pick(Self.parts))[a-z0-9_]{2,12}=(?:[0-9]+|0x[0-9a-f]+)'\n    condition: selection"
        case ..<98:
            return
                "    selection:\n        cs-uri-query|re: '/\(pick(Self.products))[a-z]{0,6}/\(pick(Self.parts))\(next(1000))\\.(?:php|jsp|aspx)$'\n    condition: selection"
        default:
            return "    selection:\n        c-ip|cidr: '203.0.\(next(256)).0/24'\n" + list("cs-uri-query|contains", 1, 3) { $0.path() }
                + "\n    condition: selection"
        }
    }

    private mutating func application() -> String {
        switch next(100) {
        case ..<40:
            return
                "    selection:\n        type: '\(pick(["authz_fail", "authz_admin", "input_validation_fail", "sys_crash", "user_created"]))'\n"
                + list("reason|contains", 1, 5) { $0.name() } + "\n    condition: selection"
        case ..<60:
            return "    selection:\n" + list("details.message|contains", 2, 8) { $0.name() } + "\n    condition: selection"
        case ..<75:
            return "    selection_target:\n" + list("target|startswith", 1, 4) { $0.path() } + "\n    selection_route:\n"
                + list("route", 1, 4) { $0.path() } + "\n    condition: 1 of selection_*"
        case ..<90:
            return "    selection:\n        service: '\(name())'\n" + list("path|endswith", 1, 5) { "/\($0.name())" }
                + "\n    condition: selection"
        case ..<97:
            var lines = ["    keywords:"]
            for _ in 0..<(2 + next(6)) { lines.append("        - '\(name())'") }
            return lines.joined(separator: "\n") + "\n    condition: keywords"
        default:
            return "    selection:\n        reason|re: '^\(pick(Self.parts))_[a-z]+\(next(1000))$'\n    condition: selection"
        }
    }

    private mutating func authentication() -> String {
        let type = pick(["authn_login_fail", "authn_login_success", "authn_password_change", "authn_token_created"])
        switch next(100) {
        case ..<35:
            return "    selection:\n        type: '\(type)'\n" + list("User|startswith", 1, 5) { "svc-\($0.name())" }
                + "\n    condition: selection"
        case ..<60:
            return "    selection:\n" + list("User", 2, 12) { $0.name() } + "\n    condition: selection"
        case ..<75:
            return "    selection:\n        type: '\(type)'\n" + list("src_ip|cidr", 1, 4) { "203.\($0.next(100)).\($0.next(256)).0/24" }
                + "\n    filter_main_known:\n        User|endswith: '-\(name())'\n    condition: selection and not 1 of filter_main_*"
        case ..<90:
            return "    selection_agent:\n" + list("user_agent|contains", 1, 6) { $0.name() } + "\n    selection_reason:\n"
                + list("reason|endswith", 1, 3) { "_\($0.name())" } + "\n    condition: 1 of selection_*"
        case ..<97:
            return "    selection:\n        type: '\(type)'\n        service: '\(name())'\n    condition: selection"
        default:
            return
                "    selection:\n        User|re: '^\(pick(Self.parts))[0-9]{2,6}@\(pick(Self.products))\\.example$'\n    condition: selection"
        }
    }
}
