import AuditEvents
import Foundation
import Testing

@Suite("alerts and views", .enabled(if: conformanceData != nil, "the folder of conformance data is not here"))
struct AlertTests {
    @Test(
        "an attack in a log is named with its address and exactly its events",
        arguments: [
            ("ssh-bf/ssh-bf.log", "Brute force from one address", "35.188.49.176", "2024"),
            ("nginx-http-generic-bf/nginx-http-generic-bf.log", "Brute force from one address", "127.0.0.1", "2024"),
            ("apache-http-probing/apache-http-probing.log", "Scanning for paths", "172.17.0.1", "2024"),
        ])
    func attack(file: String, rule: String, ip: String, year: String) async throws {
        let data = try #require(conformanceData)
        let expected = try String(contentsOfFile: "\(data)/crowdsec/\(file.split(separator: "/")[0])/scenario.assert", encoding: .utf8)
        #expect(expected.contains("Sources[\"\(ip)\"]"))
        try await withRecord { cardea, _ in
            #expect(try await cardea("alerts").messages == "no alerts\n")
            let report =
                try await cardea.done("import", "\(data)/crowdsec/\(file)", "--year", year, "-o", "json").json().array?[0].object ?? [:]
            #expect(report["rejected"] == 0, "\(report)")
            #expect(try await cardea("doctor").status == 1)
            #expect(try await cardea.done("worker", "--until-idle").messages.contains("nothing left"))
            #expect(try await cardea.done("worker", "--until-idle").messages.contains(" 0 events folded"))
            let doctor = try await cardea.done("doctor", "-o", "json").json().object
            #expect(doctor?["ok"] == true && doctor?["lag"] == 0)
            let alerts = try await cardea.done("alerts", "list", "-o", "json").json().array?.compactMap(\.object) ?? []
            #expect(Set(alerts.compactMap { $0["group"]?.object?["client_ip"]?.string }) == [ip], "\(alerts)")
            let alert = try #require(alerts.first { $0["rule"]?.string == rule }, "\(alerts)")
            let id = try #require(alert["id"]?.string)
            let shown = try await cardea.done("alerts", "show", String(id.prefix(8)), "-o", "json").json().object ?? [:]
            let events = shown["events"]?.array?.compactMap(\.object) ?? []
            #expect(events.count == alert["count"]?.int.map(Int.init) && events.count >= 6)
            #expect(events.allSatisfy { $0["body"]?.object?["client"]?.object?["ip"]?.string == ip })
            #expect(Set(events.compactMap { $0["id"]?.string }).count == events.count)
            let times = events.compactMap { $0["time"]?.string }
            #expect(times.min() == alert["first_seen"]?.string && times.max() == alert["last_seen"]?.string)
            #expect(csv(try await cardea.done("alerts", "show", id, "-o", "csv").text).count == events.count + 1)
            #expect(try await cardea.done("alerts", "show", id).text.contains(ip))
            #expect(try await cardea("alerts", "show", "ffffffff").status == 1)
            for view in try await cardea.done("views").lines {
                let rows = try await cardea.done("views", view, "-o", "json").json().array ?? []
                #expect(try await cardea.done("views", view, "-o", "jsonl").jsonLines() == rows)
                let table = try await cardea.done("views", view).lines
                #expect(table.count == (rows.isEmpty ? 0 : rows.count + 1))
                let cells = csv(try await cardea.done("views", view, "-o", "csv").text)
                #expect(cells.count == rows.count + 1 && cells.allSatisfy { $0.count == cells[0].count })
            }
            if rule.hasPrefix("Brute force") {
                let rows = try await cardea.done("views", "failed_login", "-o", "json").json().array?.compactMap(\.object) ?? []
                let failures = try await cardea.count("--type", "authn_login_fail")
                #expect(rows.first { $0["subject"]?.string == ip }?["failures"]?.int.map(Int.init) == failures, "\(rows)")
            }
            // A rebuilt view is the same view.
            let before = try await cardea.done("views", "request_summary", "-o", "json").text
            try await cardea.done("projections", "rebuild", "request_summary")
            #expect(try await cardea.done("views", "request_summary", "-o", "json").text == before)
            #expect(try await cardea.done("projections", "-o", "json").json().array?.allSatisfy { $0.object?["lag"] == 0 } == true)
        }
    }

    @Test("traversals of paths are imported whole")
    func traversal() async throws {
        let file = "\(try #require(conformanceData))/crowdsec/nginx-http-path-traversal/nginx-http-path-traversal.log"
        try await withRecord { cardea, _ in
            let report = try await cardea.done("import", file, "-o", "json").json().array?[0].object ?? [:]
            #expect(report["rejected"] == 0 && report["events"] == 9, "\(report)")
        }
    }

    @Test("what was never built is told, with the way to build it")
    func unbuilt() async throws {
        try await withRecord { cardea, _ in
            let outcome = try await cardea("views", "session")
            #expect(outcome.status == 1 && outcome.messages.contains("cardea worker --until-idle"), "\(outcome.messages)")
        }
    }
}
