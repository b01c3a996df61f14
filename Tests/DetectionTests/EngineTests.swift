import AuditEvents
import Testing

@testable import Detection

@Suite("Detection engine")
struct EngineTests {
    /// Three events of one address within ten seconds.
    static func rules(_ extra: String = "", type: String = "event_count", condition: String = "gte: 3") throws -> RuleSet {
        try RuleSet(
            files: [
                (
                    "rules.yml",
                    Array(
                        """
                        title: Failed sign-in
                        name: failed
                        logsource: {category: authentication}
                        detection: {selection: {type: authn_login_fail}, condition: selection}
                        ---
                        title: Three failures
                        id: three
                        author: Somebody
                        level: high
                        tags: [attack.t1110]
                        correlation:
                            type: \(type)
                            rules: [failed]
                            group-by: [client_ip]
                            timespan: 10s
                            condition: {\(condition)}
                        \(extra)
                        """.utf8)
                )
            ])
    }

    /// An event `at` seconds after the start.
    static func event(
        _ at: Int, ip: String? = "192.0.2.1", actor: String = "alice", source: String = "sshd", tenant: String = "default",
        type: EventType = .loginFailure, sealed: Int? = nil, entropy: UInt64 = 0
    ) -> SealedEvent {
        let second: Int64 = 1_000_000
        let start: Int64 = 1_767_225_600 * second
        let id = EventID(time: Timestamp(microseconds: start + Int64(at) * second), entropy: entropy)
        let header = EventHeader(id: id, tenant: tenant, source: source, type: type, outcome: .failure)
        let sealedAt =
            sealed.map { Timestamp(microseconds: start + Int64($0) * second) } ?? Timestamp(microseconds: start + 400 * 86_400 * second)
        return SealedEvent(
            shard: 3, index: Int64(at), sealedAt: sealedAt,
            event: AuditEvent(header: header, body: EventBody(actor: .init(name: actor), client: .init(ip: ip))))
    }

    @Test("an alert names its rule, its author, its group and exactly its events")
    func alertContent() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        let changes = engine.process([0, 1, 20, 25, 29].map { Self.event($0) })
        guard case .open(let alert)? = changes.first else {
            Issue.record("no alert")
            return
        }
        #expect(changes.count == 1)
        #expect(alert.ruleID == "three" && alert.ruleTitle == "Three failures" && alert.ruleAuthor == "Somebody")
        #expect(alert.severity == .high && alert.tags == ["attack.t1110"] && alert.tenant == "default")
        #expect(alert.group == [.init(field: "client_ip", value: "192.0.2.1")])
        #expect(alert.events.map(\.index) == [20, 25, 29] && alert.events.allSatisfy { $0.shard == 3 })
        #expect(alert.firstSeen == Self.event(20).event.time && alert.lastSeen == Self.event(29).event.time && alert.count == 3)
        #expect(alert.id.high >> 12 & 0xf == 8 && alert.id.low >> 62 == 0b10)
        #expect(AlertID(alert.id.description) == alert.id)
    }

    @Test("the beginning of the window is not in it")
    func windowIsHalfOpen() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        #expect(engine.process([0, 5, 10].map { Self.event($0) }).isEmpty)
        #expect(engine.process([Self.event(14)]).count == 1)
    }

    @Test("gt asks for one more than gte")
    func greaterThan() throws {
        var engine = DetectionEngine(rules: try Self.rules(condition: "gt: 3"))
        #expect(engine.process([0, 1, 2].map { Self.event($0) }).isEmpty)
        #expect(engine.process([Self.event(3)]).count == 1)
    }

    @Test("a late event that lies between two alerts merges them into the earlier")
    func mergesIntoEarlier() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        var book = AlertBook()
        book.apply(engine.process([0, 1, 2].map { Self.event($0) }))
        let first = try #require(book.alerts.keys.first)
        book.apply(engine.process([20, 21, 22].map { Self.event($0) }))
        #expect(book.alerts.count == 2)
        book.apply(engine.process([Self.event(11)]))
        #expect(book.alerts.keys.first == first && book.alerts.count == 1)
        #expect(book.alerts[first]?.count == 7)
        book.expectConsistent()
        book.apply(engine.process([Self.event(30)]))
        #expect(book.alerts[first]?.count == 8)
    }

    @Test("a late event opens an alert that the events on time did not")
    func lateEventOpens() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        #expect(engine.process([0, 9, 200].map { Self.event($0) }).isEmpty)
        let changes = engine.process([Self.event(5)])
        guard case .open(let alert)? = changes.first else {
            Issue.record("no alert")
            return
        }
        #expect(Set(alert.events.map(\.index)) == [0, 5, 9])
    }

    @Test("an event later than its source allows is not judged, and is counted")
    func tooLate() throws {
        var engine = DetectionEngine(rules: try Self.rules("cardea: {lateness: 20s}"))
        _ = engine.process([0, 1, 30].map { Self.event($0) })
        #expect(engine.process([Self.event(2, type: .loginSuccess)]).isEmpty)
        #expect(engine.metrics.lateSkipped == 0, "an event that no rule counts is not missed")
        #expect(engine.process([Self.event(9, entropy: 9)]).isEmpty)
        #expect(engine.metrics.lateSkipped == 1)
        #expect(engine.process([Self.event(9, source: "other", entropy: 8)]).count == 1, "another source is not late")
    }

    @Test("the end of an import lets an older file of the same source follow")
    func importResetsWatermark() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        #expect(engine.process((0..<3).map { Self.event(500_000 + $0) }).count == 1)
        let late = (0..<3).map { Self.event($0) }
        var without = engine
        #expect(without.process(late).isEmpty)
        #expect(without.metrics.lateSkipped == 3)
        _ = engine.process([Self.event(500_010, type: .auditImport)])
        #expect(engine.process(late).count == 1)
        #expect(engine.metrics.lateSkipped == 0)
    }

    @Test("files of different times imported one after the other, in either order, give the same alerts")
    func importsInEitherOrder() throws {
        // The attack lies across the end of one file and the beginning of the other.
        let older =
            [0, 500, 1000, 1004].map { Self.event($0, source: "access.log.1") } + [
                Self.event(1005, source: "access.log.1", type: .auditImport)
            ]
        let newer =
            [1006, 1010, 3000].map { Self.event($0, source: "access.log") } + [Self.event(3001, source: "access.log", type: .auditImport)]
        var books: [Set<AlertBook.Entry>] = []
        for order in [older + newer, newer + older] {
            var engine = DetectionEngine(rules: try Self.rules())
            var book = AlertBook()
            for event in order { book.apply(engine.process([event])) }
            book.expectConsistent()
            books.append(book.entries)
        }
        #expect(books[0] == books[1])
        #expect(books[0].map(\.count) == [4])
    }

    @Test("tenants share nothing")
    func tenants() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        #expect(engine.process([Self.event(0), Self.event(1, tenant: "b"), Self.event(2), Self.event(3, tenant: "b")]).isEmpty)
        let changes = engine.process([Self.event(4, tenant: "b")])
        guard case .open(let alert)? = changes.first else {
            Issue.record("no alert")
            return
        }
        #expect(alert.tenant == "b" && alert.count == 3)
    }

    @Test("a match without the field that is grouped by belongs to no group, and is counted")
    func missingGroup() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        #expect(engine.process((0..<5).map { Self.event($0, ip: nil) }).isEmpty)
        #expect(engine.metrics.missingGroup == 5)
    }

    @Test("groups that differ in Unicode normalization are two")
    func groupsAreBytes() throws {
        let rules = try Self.rules(type: "value_count", condition: "gte: 2, field: actor")
        var engine = DetectionEngine(rules: rules)
        #expect(engine.process([Self.event(0, actor: "caf\u{e9}"), Self.event(1, actor: "cafe\u{301}")]).count == 1)
    }

    @Test("an account that is hammered a hundred thousand times does not make the state grow")
    func hammering() throws {
        var engine = DetectionEngine(rules: try Self.rules(type: "value_count", condition: "gte: 3, field: actor"))
        var changes: [AlertChange] = []
        for round in 0..<100 {
            changes += engine.process((0..<1000).map { Self.event(0, entropy: UInt64(round * 1000 + $0)) })
        }
        #expect(changes.isEmpty)
        let hits = engine.states.flatMap(\.groups.values).flatMap(\.chains).reduce(0) { $0 + $1.hits.count }
        #expect(hits <= HitChain.keptRepeats)
        #expect(engine.metrics.hitsThinned == 100_000 - hits)
        let fired = engine.process([Self.event(1, actor: "bob"), Self.event(2, actor: "carol")])
        guard case .open(let alert)? = fired.first else {
            Issue.record("no alert")
            return
        }
        #expect(alert.count == hits + 2)
    }

    @Test("an open alert keeps its bounds and its count, not its events")
    func openAlertIsSmall() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        for round in 0..<100 { _ = engine.process((0..<100).map { Self.event(round * 100 + $0) }) }
        let chains = engine.states.flatMap(\.groups.values).flatMap(\.chains)
        #expect(chains.count == 1 && chains[0].hits.isEmpty && chains[0].alert?.count == 10_000)
    }

    @Test("a rule whose budget is spent lets go of one-hit groups before one that has more, and counts them")
    func budget() throws {
        var engine = DetectionEngine(rules: try Self.rules("cardea: {suppress: 1h}"), limits: .init(groupsPerRule: 100))
        _ = engine.process([Self.event(0), Self.event(1)])
        for n in 0..<1000 { _ = engine.process([Self.event(2, ip: "10.0.\(n / 250).\(n % 250)", sealed: 400 * 86_400)]) }
        #expect(engine.metrics.groups <= 100)
        #expect(engine.metrics.groupsEvicted >= 900)
        #expect(engine.process([Self.event(3)]).count == 1, "the one with two hits was kept")
        let deletes = engine.takeStateChanges().filter { if case .delete = $0 { true } else { false } }
        #expect(deletes.count == engine.metrics.groupsEvicted)
    }

    @Test(
        "in a flood of addresses that come once, one that comes back slowly is found, and every state on the way is restored exactly",
        arguments: [1500, 10_000])
    func slowAttacker(between: Int) throws {
        let rules = try Self.rules("cardea: {suppress: 1h}")
        let limits = DetectionEngine.Limits(groupsPerRule: 1000)
        var engine = DetectionEngine(rules: rules, limits: limits)
        var state = StateBook()
        var found = 0
        var number = 0
        for round in 0..<8 {
            var batch = [Self.event(round)]
            for _ in 0..<between {
                number += 1
                batch.append(
                    Self.event(round, ip: "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)", entropy: UInt64(number)))
            }
            found += engine.process(batch).count {
                if case .open(let alert) = $0 { alert.group.map(\.value) == ["192.0.2.1"] } else { false }
            }
            state.apply(engine.takeStateChanges())
            var restored = DetectionEngine(rules: rules, limits: limits)
            restored.restore(state.rows.values)
            #expect(restored.metrics.rowsRejected == 0)
            #expect(restored.states.map(\.seen?.words) == engine.states.map(\.seen?.words))
            #expect(restored.states.map(\.groups) == engine.states.map(\.groups))
            engine = restored
        }
        #expect(found == 1)
        #expect(engine.metrics.groups <= 1000)
    }

    @Test("the memory of keys tells those that came back from those that did not")
    func seenKeys() {
        var seen = SeenKeys(capacity: 1000)
        func key(_ number: Int) -> GroupKey { GroupKey(tenant: "t", values: ["\(number)".utf8]) }
        for number in 0..<10_000 { seen.add(key(number)) }
        #expect((0..<10_000).allSatisfy { seen.times(key($0)) >= 1 }, "no key is forgotten within the ring")
        let mistaken = (10_000..<30_000).count { seen.times(key($0)) > 0 }
        #expect(mistaken < 20_000 / 12, "\(mistaken)")
        for number in 50_000..<100_000 { seen.add(key(number)) }
        #expect((0..<10_000).count { seen.times(key($0)) > 0 } < 10_000 / 8, "what the ring has come round to is forgotten")
        #expect(seen.words.count <= SeenKeys.generations * 2 * SeenKeys.pageWords)
    }

    @Test("groups that nothing can touch any more go after an hour of sealing, and their rows with them")
    func expiry() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        _ = engine.process([Self.event(0, sealed: 0)])
        #expect(engine.takeStateChanges().count { if case .upsert(let row) = $0 { row.key.kind != "rule" } else { true } } == 3)
        _ = engine.process([Self.event(3000, ip: "192.0.2.9", sealed: 3000)])
        #expect(engine.metrics.groups == 2)
        _ = engine.process([Self.event(6000, ip: "192.0.2.9", sealed: 6000)])
        #expect(engine.metrics.groups == 1 && engine.metrics.groupsExpired == 1)
        let deletes = engine.takeStateChanges().compactMap { if case .delete(let key) = $0 { key } else { nil } }
        #expect(deletes.map(\.kind) == ["group"])
    }

    @Test("rows that are damaged or of another definition are left out and deleted")
    func rejectedRows() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        _ = engine.process([Self.event(0), Self.event(1)])
        let rows = engine.takeStateChanges().compactMap { if case .upsert(let row) = $0 { row } else { nil } }
        let group = try #require(rows.first { $0.key.kind == "group" })
        for length in 0..<group.value.count {
            var other = DetectionEngine(rules: try Self.rules())
            other.restore([StateRow(key: group.key, value: Array(group.value.prefix(length)))])
            #expect(other.metrics.rowsRejected == 1 && other.metrics.groups == 0)
            #expect(other.takeStateChanges().contains(.delete(group.key)))
        }
        var changed = DetectionEngine(rules: try Self.rules(condition: "gte: 4"))
        changed.restore(rows)
        #expect(changed.metrics.rowsRejected == 2, "the group, and what its rule was")
        var same = DetectionEngine(rules: try Self.rules())
        same.restore(rows)
        #expect(same.process([Self.event(2)]).count == 1)
    }

    @Test("an event in the future does not make its source's present late")
    func futureEvent() throws {
        var engine = DetectionEngine(rules: try Self.rules())
        _ = engine.process([Self.event(600, sealed: 0)])
        #expect(engine.process([1, 2, 3].map { Self.event($0, sealed: $0) }).count == 1)
        #expect(engine.metrics.lateSkipped == 0)
    }

    @Test("Cardea's own events match only a rule that names them")
    func ownEvents() throws {
        func rule(_ type: String) throws -> RuleSet {
            try RuleSet(
                files: [("own.yml", Array("title: T\nlogsource: {product: cardea}\ndetection: {s: {type: \(type)}, condition: s}\n".utf8))])
        }
        let own = Self.event(0, type: .auditImport)
        var every = DetectionEngine(rules: try rule("'*'"))
        #expect(every.process([own]).isEmpty)
        #expect(every.process([Self.event(0)]).count == 1)
        var named = DetectionEngine(rules: try rule("audit_*"))
        #expect(named.process([own]).count == 1)
    }

    @Test("a plain rule that no correlation counts raises an alert for each address, and for events without one")
    func plainRule() throws {
        let rules = try RuleSet(
            files: [("plain.yml", Array("title: T\nlogsource: {product: cardea}\ndetection: {s: {outcome: failure}, condition: s}\n".utf8))]
        )
        var engine = DetectionEngine(rules: rules)
        var book = AlertBook()
        book.apply(engine.process([Self.event(0), Self.event(1), Self.event(2, ip: "192.0.2.7"), Self.event(3, ip: nil)]))
        #expect(book.alerts.values.map(\.count).sorted() == [1, 1, 2])
    }
}
