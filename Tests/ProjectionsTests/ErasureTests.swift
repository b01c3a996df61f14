import Alerting
import AuditEvents
import DatabaseTesting
import EventStore
import Foundation
import PostgreSQL
import Testing

@testable import Projections

/// Somebody whose every value is nobody else's.
private struct Somebody {
    let mark = String(UInt64.random(in: (1 << 60)...(.max)), radix: 36)
    var id: String { "id-\(mark)" }
    var name: String { "Name \"\(mark)\" Ö" }
    let ip = "2001:db8:\((0..<6).map { _ in String(UInt16.random(in: 0x1000...0xffff), radix: 16) }.joined(separator: ":"))"
    var agent: String { "Agent/\(mark)" }
    var path: String { "/of/\(mark)?x" }
    let session = "fp_" + (0..<32).map { _ in "0123456789abcdef".randomElement()! }.map(String.init).joined()
    let token = "fp_" + (0..<32).map { _ in "0123456789abcdef".randomElement()! }.map(String.init).joined()

    var values: [String] { [mark, ip, session, token] }

    func event(_ type: EventType, at time: Timestamp, tenant: String = "acme") -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: EventID(time: time), tenant: tenant, source: "api", type: type,
                outcome: type == .loginSuccess ? .success : .failure, reason: "bad_password"),
            body: EventBody(
                actor: .init(id: id, name: name), client: .init(ip: ip, userAgent: agent), session: session,
                token: .init(fingerprint: token), target: "account/\(id)", path: path))
    }
}

@Suite("Erasing a subject", .serialized)
struct ErasureTests {
    private func other(_ number: Int, at time: Timestamp, ip: String = "192.0.2.9") -> AuditEvent {
        AuditEvent(
            header: EventHeader(id: EventID(time: time), tenant: "acme", source: "api", type: .loginFailure, outcome: .failure),
            body: EventBody(actor: .init(name: "other\(number)"), client: .init(ip: ip, userAgent: "curl")))
    }

    /// Forty failures of somebody and what belongs to them, among others', folded and alerted on.
    private func fill(_ bed: WorkerBed, _ somebody: Somebody) async throws {
        let start = Timestamp.now().advanced(bySeconds: -600)
        var events: [AuditEvent] = []
        for number in 0..<40 {
            events.append(somebody.event(.loginFailure, at: start.advanced(bySeconds: Int64(number))))
            events.append(other(number % 7, at: start.advanced(bySeconds: Int64(number))))
        }
        for type in [EventType.tokenRejected, .rateLimitExceeded, .sessionCreated, .httpRequest] {
            events.append(somebody.event(type, at: start.advanced(bySeconds: 60)))
        }
        try await bed.store(events)
        try await bed.worker().runUntilIdle()
    }

    private func erase(_ bed: WorkerBed, _ subject: String, step: Int = 7, progress: (SubjectErasure.Progress) throws -> Void = { _ in })
        async throws -> ErasureReport
    {
        let admins = bed.database.pool(role: "cardea_admin", maximumConnections: 2)
        let result: Result<ErasureReport, any Error>
        do {
            result = .success(
                try await SubjectErasure(admins, step: step).erase(
                    subject, tenant: "acme", reason: "asked by \(subject)", by: "ann", progress: progress))
        } catch { result = .failure(error) }
        await admins.close()
        return try result.get()
    }

    private func dump(_ bed: WorkerBed) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["pg_dump", "--dbname", bed.database.url]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }

    /// The values that a dump holds, as text or, in binary columns, as hexadecimal digits.
    private func found(_ somebody: Somebody, in dump: String) -> [String] {
        somebody.values.filter { value in
            dump.contains(value) || dump.contains(value.utf8.map { String(format: "%02x", $0) }.joined())
        }
    }

    private func count(_ bed: WorkerBed, _ sql: SQL) async throws -> Int64 { try await bed.pool.query(sql, as: Int64.self)[0] }

    @Test("a dump of the database holds nothing of an erased subject; headers, hashes, alerts and other people stay", arguments: [1, 4])
    func dump(shards: Int) async throws {
        try await withWorkerBed(shards: shards) { bed in
            let somebody = Somebody()
            try await fill(bed, somebody)
            let alerts = try await count(bed, "select count(*) from audit.alert")
            #expect(try await count(bed, "select count(*) from audit.alert where group_by::text like \("%\(somebody.mark)%")") > 0)
            let responders = bed.database.pool(role: "cardea_responder", maximumConnections: 1)
            let desk = AlertDesk(responders)
            for alert in try await bed.pool.withConnection({ try await AlertStore().list($0, AlertFilter(), limit: 100) }) {
                _ = try await desk.change(alert, .note, by: "bob", reason: "called \(somebody.name), from \(somebody.ip).")
                _ = try await desk.change(alert, .assign(to: somebody.id), by: "bob")
            }
            _ = try await desk.silence(
                [try AlertMatcher("client_ip", .equal, somebody.ip)], seconds: 60, by: "bob", comment: "for \(somebody.id)")
            await responders.close()
            try await bed.pool.execute(
                """
                insert into audit.delivery (receiver, shard, alert, kind, payload, due_at, detail)
                select 'w', shard, id, 'firing', jsonb_build_object('id', id, 'count', count, 'group', group_by), now(), 'to ' || (group_by ->> 'actor')
                from audit.alert
                """)
            let before = try await bed.pool.query(
                "select id::text || type || encode(body_hash, 'hex') from audit.event where type not like 'audit%' order by 1",
                as: String.self)
            let full = try dump(bed)
            #expect(found(somebody, in: full).count == 4)

            let report = try await erase(bed, somebody.id)
            #expect(report.events == 44)
            #expect(report.ownEvents > 0)
            let dumped = try dump(bed)
            #expect(
                found(somebody, in: dumped) == [],
                "\(dumped.split(separator: "\n").filter { $0.contains(somebody.mark) || $0.contains(somebody.ip) })")
            let after = try await bed.pool.query(
                "select id::text || type || encode(body_hash, 'hex') from audit.event where type not like 'audit%' order by 1",
                as: String.self)
            #expect(after == before)
            #expect(try await count(bed, "select count(*) from audit.alert") == alerts)
            #expect(
                try await count(
                    bed,
                    "select count(*) from audit.alert a where (select count(*) from audit.alert_event e where e.alert = a.id) <> a.count")
                    == 0)
            #expect(try await count(bed, "select count(*) from audit.event where body is null") == report.events + report.ownEvents)
            #expect(
                try await count(
                    bed,
                    "select count(*) from audit.erased_event x join audit.event e using (shard, id, time) where e.body is null and e.salt is null"
                ) == report.events + report.ownEvents)
            #expect(try await count(bed, "select count(*) from audit.event where body #>> '{actor,name}' like 'other%'") == 40)
            #expect(try await count(bed, "select count(*) from audit_view.failed_login where subject = '192.0.2.9'") == 1)
            let told = try await bed.pool.query("select body::text from audit.event where type = 'audit_subject_erased'", as: String.self)
            #expect(told.count == 1 && told[0].contains(report.fingerprint) && told[0].contains("asked by"))
            // It goes on, and is rebuilt from the start.
            for view in ProjectionCatalog.views { _ = try await bed.catalog.rebuild(view) }
            try await bed.store([somebody.event(.loginFailure, at: .now()), other(1, at: .now())])
            try await bed.worker("second").runUntilIdle()
            #expect(
                try await count(bed, "select failures from audit_view.failed_login where kind = 'account' and subject = \(somebody.name)")
                    == 1)
        }
    }

    @Test("an erasure that was killed goes on where it was, and counts everything once")
    func killed() async throws {
        try await withWorkerBed(shards: 1) { bed in
            struct Killed: Error {}
            let somebody = Somebody()
            try await fill(bed, somebody)
            var reached: Set<String> = []
            var kills = 0
            var report: ErasureReport?
            while report == nil {
                do {
                    var steps = 0
                    report = try await erase(bed, somebody.name, step: 25) { progress in
                        steps += 1
                        reached.insert(progress.state)
                        if steps == 2 { throw Killed() }
                    }
                } catch is Killed { kills += 1 }
            }
            #expect(kills > 4)
            #expect(reached.isSuperset(of: ["emptying", "late", "sharing", "clearing", "telling"]))
            #expect(report?.events == 44)
            #expect(try await count(bed, "select count(*) from audit.erasure where state = 'done'") == 1)
            let owner = bed.database.pool(maximumConnections: 1)
            #expect(try await owner.query("select count(*) from audit.erasure_value", as: Int64.self) == [0])
            await owner.close()
            let dumped = try dump(bed)
            #expect(found(somebody, in: dumped) == [])
        }
    }

    @Test("while workers fold, an erasure neither stops them nor is undone by what they remember")
    func concurrently() async throws {
        try await withWorkerBed(shards: 2) { bed in
            let somebody = Somebody()
            try await fill(bed, somebody)
            try await bed.withRunning(bed.worker("a", batch: 20), bed.worker("b", batch: 20)) {
                async let storing: Void = {
                    for number in 0..<60 { try await bed.store((0..<10).map { _ in other(number % 9, at: .now()) }) }
                }()
                // Rows that workers remember: they are written down again with the next event unless they are made to forget.
                try await bed.store((0..<3).map { _ in somebody.event(.loginFailure, at: .now()) })
                let report = try await erase(bed, somebody.id, step: 50)
                #expect(report.events == 47)
                try await storing
                try await eventually("everything is folded") { try await bed.isIdle() }
            }
            let dumped = try dump(bed)
            #expect(found(somebody, in: dumped) == [])
            #expect(
                try await count(
                    bed, "select sum(failures)::bigint from audit_view.failed_login where kind = 'account' and subject like 'other%'")
                    == 640)
        }
    }

    @Test("what others' events hold too stays with them")
    func shared() async throws {
        try await withWorkerBed(shards: 1) { bed in
            let somebody = Somebody()
            let now = Timestamp.now()
            try await bed.store([
                somebody.event(.loginFailure, at: now.advanced(bySeconds: -9)), other(1, at: now.advanced(bySeconds: -8), ip: somebody.ip),
            ])
            try await bed.worker().runUntilIdle()
            _ = try await erase(bed, somebody.id)
            #expect(try await count(bed, "select count(*) from audit_view.failed_login where subject = \(somebody.ip)") == 1)
            let dumped = try dump(bed)
            #expect(found(somebody, in: dumped) == [somebody.ip])
        }
    }

    @Test("under a legal hold nothing is erased, by whatever name; the refusal is on the record; released, it is done")
    func hold() async throws {
        try await withWorkerBed(shards: 1) { bed in
            let somebody = Somebody()
            try await fill(bed, somebody)
            let admins = bed.database.pool(role: "cardea_admin", maximumConnections: 1)
            let holds = LegalHolds(admins)
            try await holds.set(LegalHold(name: "case-7", reason: "a claim by \(somebody.id)", subject: somebody.id), by: "lex")
            for name in [somebody.id, somebody.name] {
                let error = await #expect(throws: StoreError.self) { _ = try await erase(bed, name) }
                #expect(error?.code == .held)
                #expect(error?.message.contains("case-7") == true)
            }
            #expect(try await count(bed, "select count(*) from audit.event where body is null") == 0)
            let told = try await bed.pool.query(
                "select body::text from audit.event where type in ('audit_hold_set', 'audit_erasure_refused')", as: String.self)
            #expect(told.count == 3 && !told.contains { $0.contains(somebody.mark) })
            try await holds.release("case-7", reason: "settled", by: "lex")
            await #expect(throws: StoreError.self) { try await holds.release("case-7", reason: "again", by: "lex") }
            #expect(try await erase(bed, somebody.id).events == 44)
            // By the name its erasure was begun too.
            #expect(try await erase(bed, somebody.name).events == 0)
            let dumped = try dump(bed)
            #expect(found(somebody, in: dumped) == [])
            #expect(try await holds.all().map(\.subject) != [somebody.id])
            await admins.close()
        }
    }
}
