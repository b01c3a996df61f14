import AuditEvents
import Detection
import PostgreSQL
import Testing

@testable import Alerting

@Suite("Dealing with alerts")
struct AlertDeskTests {
    @Test("an alert that opens is told on the record once, however often it is opened", arguments: [1, 4])
    func opened(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let alert = bed.alert()
            for _ in 0..<2 { try await bed.apply(.open(alert)) }
            let told = try await bed.told()
            #expect(told.map(\.type) == ["audit_alert_opened"])
            #expect(told.first?.target == "alert/\(alert.id)" && told.first?.actor == nil)
            #expect(told.first?.details["group"]?.object?["client_ip"] == "192.0.2.1" && told.first?.details["count"] == 6)
            let stored = try await bed.stored(alert.id)
            #expect(stored.state == .open && stored.revision == 0 && stored.count == 6)
        }
    }

    @Test("each change is a state, a line of history and an event, with who and why", arguments: [1, 4])
    func changes(shards: Int) async throws {
        try await withAlertBed(shards: shards) { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let steps: [(AlertLife.Act, String?, AlertState, String)] = [
                (.acknowledge, nil, .acknowledged, "acknowledged"), (.note, "asked the hoster", .acknowledged, "noted"),
                (.assign(to: "bob"), "his shift", .assigned, "assigned"), (.resolve, "blocked", .resolved, "resolved"),
                (.reopen, "not all of it", .reopened, "reopened"),
                (.markFalsePositive, "our own scanner", .falsePositive, "false_positive"),
            ]
            for (step, (act, reason, state, kind)) in steps.enumerated() {
                let before = try await bed.stored(alert.id)
                let after = try await bed.desk.change(before, act, by: "ann", reason: reason)
                #expect(after.state == state)
                #expect(try await bed.stored(alert.id) == after)
                #expect(after.revision == before.revision + (act == .note ? 0 : 1))
                let history = try await bed.history(alert.id)
                let told = try await bed.told()
                #expect(history.count == step + 1 && told.count == step + 2)
                let entry = try #require(history.last)
                let event = try #require(told.last)
                #expect(entry.kind == kind && entry.actor == "ann" && entry.reason == reason && entry.to == state.rawValue)
                #expect(event.type == "audit_alert_\(kind)" && event.actor == "ann" && event.id == entry.event?.description)
                #expect(event.details["reason"]?.string == reason && event.details["to"]?.string == state.rawValue)
                #expect(event.details["assignee"]?.string == (kind == "assigned" ? "bob" : nil))
            }
            let closed = try await bed.stored(alert.id)
            #expect(closed.closedAt != nil && closed.life.closing == .person("ann") && closed.count == 6)
        }
    }

    @Test("of several people who change an alert as they saw it one wins, and the others are told")
    func race() async throws {
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let seen = try await bed.stored(alert.id)
            let outcomes = await withTaskGroup(of: String.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do {
                            _ = try await bed.desk.change(seen, .assign(to: "person\(number)"), by: "ann")
                            return "done"
                        } catch let error as AlertingError {
                            return error.code == .conflict && error.message.contains("ann") && error.hint != nil ? "conflict" : "\(error)"
                        } catch {
                            return "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }.sorted()
            }
            #expect(outcomes == Array(repeating: "conflict", count: 9) + ["done"])
            #expect(try await bed.told().map(\.type) == ["audit_alert_opened", "audit_alert_assigned"])
            #expect(try await bed.history(alert.id).count == 1)
            #expect(try await bed.stored(alert.id).revision == 1)
            // A note disturbs nobody, and nobody disturbs a note.
            _ = try await bed.desk.change(seen, .note, by: "eve", reason: "late to the party")
            #expect(try await bed.stored(alert.id).revision == 1)
        }
    }

    @Test("what the state does not allow, or is not said properly, changes nothing and leaves nothing behind")
    func refused() async throws {
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let seen = try await bed.stored(alert.id)
            let long = String(repeating: "x", count: 5000)
            let wrong: [(AlertLife.Act, String, String?, AlertingError.Code)] = [
                (.reopen, "ann", nil, .transition), (.acknowledge, "", nil, .text), (.acknowledge, "a\nb", nil, .text),
                (.acknowledge, long, nil, .text),
                (.assign(to: ""), "ann", nil, .text), (.note, "ann", nil, .text), (.note, "ann", "  ", .text),
                (.resolve, "ann", long, .text),
            ]
            for (act, person, reason, code) in wrong {
                let error = await #expect(throws: AlertingError.self) { try await bed.desk.change(seen, act, by: person, reason: reason) }
                #expect(error?.code == code)
            }
            #expect(try await bed.stored(alert.id) == seen)
            #expect(try await bed.told().count == 1)
        }
    }

    @Test("a secret in a note reaches neither the record nor the history")
    func secret() async throws {
        try await withAlertBed { bed in
            let alert = bed.alert()
            try await bed.apply(.open(alert))
            let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
            _ = try await bed.desk.change(bed.stored(alert.id), .note, by: "ann", reason: "he used \(token) here")
            let history = try await bed.history(alert.id)
            #expect(history.last?.reason?.contains("dozjgNryP4J3") == false && history.last?.reason?.contains("he used") == true)
            let bodies = try await bed.worker.query("select body::text as body from audit.event", as: String.self)
            #expect(!bodies.contains { $0.contains("dozjgNryP4J3") })
        }
    }

    @Test("the list leaves out what is settled, and finds by state, severity, rule, tenant, time and words")
    func list() async throws {
        try await withAlertBed { bed in
            let alerts = (0..<6).map { bed.alert("192.0.2.\($0)", rule: "rule\($0)", at: Int64($0) * 1000) }
            for alert in alerts { try await bed.apply(.open(alert)) }
            _ = try await bed.desk.change(bed.stored(alerts[0].id), .resolve, by: "ann")
            _ = try await bed.desk.change(bed.stored(alerts[1].id), .markFalsePositive, by: "ann")
            _ = try await bed.desk.change(bed.stored(alerts[2].id), .acknowledge, by: "ann")
            _ = try await bed.desk.change(bed.stored(alerts[3].id), .assign(to: "bob"), by: "ann")
            try await bed.idle(alerts[2], alerts[4])
            func found(_ change: (inout AlertFilter) -> Void) async throws -> [Int] {
                var filter = AlertFilter()
                change(&filter)
                let list = try await bed.responder.withConnection { [filter] in try await AlertStore().list($0, filter, limit: nil) }
                return list.compactMap { found in alerts.firstIndex { $0.id == found.id } }
            }
            #expect(try await found { _ in } == [5, 4, 3])
            #expect(try await found { $0.includesSettled = true } == [5, 4, 3, 2, 1, 0])
            #expect(try await found { $0.states = [.resolved] } == [4, 2, 0])
            #expect(try await found { $0.states = [.falsePositive, .assigned] } == [3, 1])
            #expect(try await found { $0.severities = [.low] } == [])
            #expect(try await found { $0.rules = ["RULE5", "rule3"] } == [5, 3])
            #expect(try await found { $0.rules = ["brute *"] } == [5, 4, 3])
            #expect(try await found { $0.tenants = ["other"] } == [])
            #expect(try await found { $0.text = ["192.0.2.5"] } == [5])
            #expect(try await found { $0.text = ["BOB", "t1110"] } == [3])
            #expect(try await found { $0.text = ["%"] } == [])
            #expect(try await found { $0.since = AlertBed.start.advanced(bySeconds: 4000) } == [5, 4])
            #expect(try await found { $0.until = AlertBed.start.advanced(bySeconds: 4000) } == [4, 3])
        }
    }
}
