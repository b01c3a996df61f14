import AuditEvents
import Foundation
import Testing

@Suite("alerts and people")
struct AlertLifeTests {
    /// Failed sign-ins from `ip`, the last of them `ago` seconds ago, as sshd writes them.
    private func attack(_ ip: String, count: Int = 7, ago: Int64) -> Data {
        let end = Timestamp.now().advanced(bySeconds: -ago)
        let lines = (0..<count).map { place in
            let time = end.advanced(bySeconds: Int64(place - count + 1))
            return "\(time) host sshd[\(100 + place)]: Failed password for root from \(ip) port 22 ssh2\n"
        }
        return Data(lines.joined().utf8)
    }

    private func store(_ cardea: CardeaCommand, _ folder: String, _ name: String, _ log: Data) async throws {
        try log.write(to: URL(filePath: "\(folder)/\(name)"))
        let report = try await cardea.done("import", "\(folder)/\(name)", "-o", "json").json().array?[0].object
        #expect(report?["rejected"] == 0)
        try await cardea.done("worker", "--until-idle")
    }

    private func list(_ cardea: CardeaCommand, _ options: String...) async throws -> [JSONObject] {
        let outcome = try await cardea.run(["alerts", "list", "-o", "json"] + options)
        #expect(outcome.status == 0, "\(outcome.messages)")
        return try outcome.json().array?.compactMap(\.object) ?? []
    }

    private func id(_ cardea: CardeaCommand, _ ip: String, rule: String = "Brute force from one address") async throws -> String {
        let alerts = try await list(cardea, "--all")
        return try #require(
            alerts.first { $0["rule"]?.string == rule && $0["group"]?.object?["client_ip"]?.string == ip }?["id"]?.string, "\(alerts)")
    }

    private func state(_ cardea: CardeaCommand, _ id: String) async throws -> String? {
        try await cardea.done("alerts", "show", id, "-o", "json").json().object?["state"]?.string
    }

    @Test("an alert is acknowledged, noted on, assigned, resolved, reopened and found false; each is on the record with who and why")
    func life() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", ago: 30))
            let id = try await id(cardea, "192.0.2.1")
            let short = String(id.prefix(8))
            #expect(try await state(cardea, id) == "open")
            #expect(try await cardea.done("alerts", "ack", short, "--as", "ann").text == "\(short) acknowledged by ann\n")
            let again = try await cardea("alerts", "ack", short, "--as", "bob")
            #expect(again.status == 1 && again.messages.contains("ann") && again.output.isEmpty, "\(again.messages)")
            #expect(try await cardea.done("alerts", "note", short, "asked", "the", "hoster", "--as", "ann").text == "\(short) noted\n")
            #expect(try await cardea.done("alerts", "assign", short, "--to", "bob", "--as", "ann").text == "\(short) assigned to bob\n")
            #expect(try await cardea.done("alerts", "resolve", short, "--as", "bob", "--reason", "blocked").text == "\(short) resolved\n")
            #expect(try await list(cardea).contains { $0["id"]?.string == id } == false)
            #expect(try await list(cardea, "--state", "resolved").contains { $0["id"]?.string == id })
            #expect(try await cardea.done("alerts", "reopen", short).text == "\(short) reopened\n")
            let verdict = try await cardea.done(
                "alerts", "resolve", short, "--false-positive", "--reason", "our scanner", "--as", "bob", "-o", "json")
            #expect(try verdict.json().array?[0].object?["state"] == "false_positive")
            let shown = try await cardea.done("alerts", "show", short, "-o", "json").json().object
            let history = shown?["history"]?.array?.compactMap(\.object) ?? []
            #expect(history.map { $0["kind"]?.string } == ["acknowledged", "noted", "assigned", "resolved", "reopened", "false_positive"])
            #expect(history.dropLast(2).map { $0["actor"]?.string } == ["ann", "ann", "ann", "bob"])
            #expect(history[4]["actor"]?.string == NSUserName(), "who runs the command, unless said otherwise")
            #expect(history[1]["reason"]?.string == "asked the hoster")
            let events = try await cardea.done("query", "--type", "audit_alert_*", "-o", "jsonl").jsonLines().compactMap(\.object)
            let own = events.filter { $0["body"]?.object?["target"]?.string == "alert/\(id)" }
            #expect(own.count == 7, "\(own)")
            let ids = own.compactMap { $0["id"]?.string }
            for entry in history { #expect(ids.contains(entry["event"]?.string ?? "")) }
            #expect(try await cardea.done("query", "--text", "blocked").text.isEmpty, "Cardea's own acts are shown when asked for")
            let table = try await cardea.done("alerts", "show", short).text
            for word in ["false_positive", "our scanner", "asked the hoster", "192.0.2.1"] { #expect(table.contains(word)) }
            // Everything told is sealed and folded like any event, and brings nothing about.
            try await cardea.done("worker", "--until-idle")
            #expect(try await cardea.done("worker", "--until-idle").messages.contains(" 0 events folded"))
            #expect(try await cardea.count("--type", "audit_alert_*") == events.count)
        }
    }

    @Test("several alerts are changed at once; those that cannot be keep no other back, and the status says so")
    func several() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", ago: 40) + attack("192.0.2.2", ago: 20))
            let (a, b) = (try await id(cardea, "192.0.2.1"), try await id(cardea, "192.0.2.2"))
            try await cardea.done("alerts", "ack", a, "--as", "ann")
            let outcome = try await cardea("alerts", "ack", a, "ffffffff", b, "--as", "bob", "-o", "json")
            #expect(
                outcome.status == 1 && outcome.messages.contains("no alert ffffffff") && outcome.messages.contains("ann has acknowledged"))
            #expect(try outcome.json().array?.compactMap { $0.object?["id"]?.string } == [b])
        }
    }

    @Test("a past alert is idle and stays in the list until somebody has seen it; events after a resolve reopen it")
    func past() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "old.log", attack("192.0.2.1", ago: 86_400))
            let id = try await id(cardea, "192.0.2.1")
            let listed = try #require(try await list(cardea).first { $0["id"]?.string == id })
            #expect(listed["state"] == "resolved" && listed["closing"] == "idle" && listed["idle"] == true)
            #expect(try await cardea.done("alerts").text.contains("resolved (idle)"))
            #expect(try await cardea.done("alerts", "ack", id, "--as", "ann").text.contains("it was over already"))
            #expect(try await list(cardea).contains { $0["id"]?.string == id } == false)
            try await cardea.done("alerts", "resolve", id, "--as", "ann")
            // The same attack went on: another file tells of it.
            try await store(cardea, folder, "more.log", attack("192.0.2.1", count: 9, ago: 86_400 - 60))
            let after = try #require(try await list(cardea).first { $0["id"]?.string == id })
            #expect(after["count"]?.int == 16 && after["acknowledged_by"] == .null && after["closing"] == "idle", "\(after)")
            let shown = try await cardea.done("alerts", "show", id, "-o", "json").json().object
            let history = shown?["history"]?.array?.compactMap { $0.object?["kind"]?.string } ?? []
            #expect(history == ["resolved", "acknowledged", "resolved", "reopened", "resolved"], "\(history)")
        }
    }

    @Test("silences mark alerts, are listed, and end when they are told to")
    func silences() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", ago: 40) + attack("198.51.100.2", ago: 20))
            #expect(try await cardea("alerts", "silences").messages == "no silences\n")
            let made = try await cardea.done(
                "alerts", "silence", "client_ip=~192\\.0\\.2\\..*", "severity!=critical", "--for", "2h", "--comment", "the yearly test",
                "--as", "ann",
                "-o", "json"
            ).json().object
            let silence = try #require(made?["id"]?.string)
            #expect(made?["state"] == "active" && made?["author"] == "ann")
            let (a, b) = (try await id(cardea, "192.0.2.1"), try await id(cardea, "198.51.100.2"))
            let alerts = try await list(cardea)
            #expect(alerts.first { $0["id"]?.string == a }?["silenced_by"]?.string == silence)
            #expect(alerts.first { $0["id"]?.string == b }?["silenced_by"] == .null)
            #expect(try await cardea.done("alerts").lines.contains { $0.contains("open, silenced") && $0.contains("192.0.2.1") })
            #expect(try await cardea.done("alerts", "silences").text.contains("the yearly test"))
            #expect(try await cardea.done("alerts", "silence", "list", "-o", "jsonl").jsonLines().count == 1)
            #expect(try await cardea.done("alerts", "silence", "expire", silence, "--as", "bob").text == "\(silence) expired\n")
            let twice = try await cardea("alerts", "silence", "expire", silence)
            #expect(twice.status == 1 && twice.messages.contains("cardea alerts silences"))
            #expect(try await list(cardea).allSatisfy { $0["silenced_by"] == .null })
            #expect(try await cardea.done("alerts", "silences", "--all", "-o", "json").json().array?[0].object?["expired_by"] == "bob")
            // From an alert: its rule and its group.
            try await cardea.done("alerts", "silence", "--alert", b, "--for", "30m", "--comment", "known")
            #expect(try await list(cardea).filter { $0["silenced_by"]?.string != nil }.compactMap { $0["id"]?.string } == [b])
            #expect(try await cardea.count("--type", "audit_alert_silence_*") == 3)
        }
    }

    @Test("an inhibition in the configuration marks the alerts that it mutes; one that says nothing is told with its place")
    func inhibition() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", count: 30, ago: 40))
            var configured = cardea
            configured.environment["CARDEA_ALERTS_INHIBITIONS"] = "severity=medium mutes severity=high"
            let alerts = try await list(configured)
            let muting = Set(alerts.filter { $0["severity"] == "medium" }.compactMap { $0["id"]?.string })
            for alert in alerts where alert["severity"] == "high" { #expect(muting.contains(alert["inhibited_by"]?.string ?? "")) }
            configured.environment["CARDEA_ALERTS_INHIBITIONS"] = "severity=medium"
            let wrong = try await configured("alerts")
            #expect(
                wrong.status == 2 && wrong.messages.contains("alerts.inhibitions") && wrong.messages.contains("mutes"), "\(wrong.messages)")
        }
    }

    @Test("an alert is explained by its rule as it was, its window, and what each event had of what the rule asks")
    func explain() async throws {
        try await withRecord { cardea, folder in
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", count: 9, ago: 40))
            let id = try await id(cardea, "192.0.2.1")
            let explained = try await cardea.done("alerts", "explain", id, "-o", "json").json().object ?? [:]
            let rule = explained["rule"]?.object
            #expect(rule?["origin"] == "as it was" && rule?["current"] == true && rule?["digest"]?.string?.count == 32)
            #expect(rule?["source"]?.string?.contains("title: Brute force from one address") == true)
            let window = explained["window"]?.object
            #expect(window?["seconds"]?.int == 300 && window?["events"]?.array?.count == 6 && window?["count"]?.int == 9)
            let events = explained["events"]?.array?.compactMap(\.object) ?? []
            #expect(events.count == 9 && events.filter { $0["in_window"] == true }.count == 6)
            #expect(window?["fired_by"]?.string == events[5]["id"]?.string)
            for event in events {
                let predicates = event["matches"]?.array?.first?.object?["predicates"]?.array?.compactMap(\.object) ?? []
                #expect(predicates.contains { $0["values"]?.array == ["authn_login_fail"] }, "\(predicates)")
            }
            let text = try await cardea.done("alerts", "explain", id).text
            for words in ["as it was then and is now", "6 events within 300 s", "authn_login_fail", "group-by"] {
                #expect(text.contains(words), "\(text)")
            }
            #expect(csv(try await cardea.done("alerts", "explain", id, "-o", "csv").text).count >= 10)
            #expect(try await cardea("alerts", "explain", "ffffffff").status == 1)
        }
    }

    @Test("the list finds by state, severity, rule, tenant, time and words, and says when there is more")
    func listing() async throws {
        try await withRecord { cardea, folder in
            #expect(try await cardea("alerts").messages == "no alerts\n")
            try await store(cardea, folder, "auth.log", attack("192.0.2.1", ago: 40) + attack("192.0.2.2", ago: 20))
            let all = try await list(cardea)
            #expect(try await list(cardea, "--rule", "Brute force from one address").count == 2)
            #expect(try await list(cardea, "--rule", "brute*", "--text", "192.0.2.2").count == 1)
            #expect(try await list(cardea, "--severity", "informational+").count == all.count)
            #expect(try await list(cardea, "--severity", "fatal") == [])
            #expect(try await list(cardea, "--tenant", "default").count == all.count)
            #expect(try await list(cardea, "--tenant", "other") == [])
            #expect(try await list(cardea, "--state", "open,acknowledged").count == all.count)
            #expect(try await list(cardea, "--until", "2020-01-01") == [])
            #expect(try await list(cardea, "--since", "1h").count == all.count)
            let limited = try await cardea.done("alerts", "list", "--limit", "1", "-o", "jsonl")
            #expect(limited.lines.count == 1 && limited.messages.contains("more"))
            for alert in all { try await cardea.done("alerts", "resolve", alert["id"]?.string ?? "") }
            #expect(try await cardea("alerts").messages.contains("--all"))
        }
    }
}
