import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import PostgreSQL
import Testing
import TransparencyLog

@testable import Compliance

/// What a superuser does to the record, and what `verify log` says of it.
@Suite("a superuser who changes the record")
struct TamperTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var script: String
        /// The kinds that must be among the findings.
        var kinds: Set<RecordFinding.Kind>
        /// Where one of them must be.
        var index: Int64?
        /// What the auditor kept is needed to see it.
        var isSeenByHolderAlone = false
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "edits a header",
            script: "update audit.event set outcome = 'success' where id = (select id from audit.log where index = 17)",
            kinds: [.headerChanged], index: 17),
        Case(
            name: "edits a reason", script: "update audit.event set reason = null where id = (select id from audit.log where index = 600)",
            kinds: [.headerChanged], index: 600),
        Case(
            name: "edits a body",
            script:
                "update audit.event set body = jsonb_set(body, '{target}', '\"orders/8\"') where id = (select id from audit.log where index = 3)",
            kinds: [.bodyChanged], index: 3),
        Case(
            name: "edits a body and its hash",
            script:
                "update audit.event set body = body || '{\"target\":\"x\"}', body_hash = sha256('x') where id = (select id from audit.log where index = 3)",
            kinds: [.headerChanged, .bodyChanged], index: 3),
        Case(
            name: "edits a salt",
            script:
                "update audit.event set salt = '\\x00000000000000000000000000000000' where id = (select id from audit.log where index = 4)",
            kinds: [.bodyChanged], index: 4),
        Case(
            name: "takes a body out",
            script: "update audit.event set body = null, salt = null, actor = null where id = (select id from audit.log where index = 5)",
            kinds: [.bodyMissing], index: 5),
        Case(
            name: "edits what is searched",
            script: "update audit.event set actor = 'eve', client_ip = '203.0.113.9' where id = (select id from audit.log where index = 6)",
            kinds: [.columnChanged], index: 6),
        Case(
            name: "deletes an event", script: "delete from audit.event where id = (select id from audit.log where index = 300)",
            kinds: [.eventMissing], index: 300),
        Case(name: "truncates the events", script: "truncate audit.event", kinds: [.eventMissing], index: 0),
        Case(name: "deletes a row of the log", script: "delete from audit.log where index = 256", kinds: [.indexMissing], index: 256),
        Case(name: "truncates the log", script: "truncate audit.log", kinds: [.indexMissing], index: 0),
        Case(
            name: "swaps two events",
            script: """
                create temp table s as select index, id, time from audit.log where index in (10, 11);
                update audit.log l set id = s.id, time = s.time from s where l.index = 21 - s.index and l.index in (10, 11)
                """, kinds: [.headerChanged], index: 10),
        Case(
            name: "deletes an event with its index, and moves the rest up",
            script: """
                delete from audit.event where id = (select id from audit.log where index = 20); delete from audit.log where index = 20;
                update audit.log set index = -index where index > 20; update audit.log set index = -index - 1 where index < 0;
                update audit.head set next_index = next_index - 1
                """, kinds: [.headerChanged, .headChanged], index: 20),
        Case(
            name: "changes the time of sealing", script: "update audit.log set sealed_at = sealed_at - interval '1 hour' where index = 400",
            kinds: [.orderChanged, .headerChanged], index: 400),
        Case(
            name: "moves an event into another partition",
            script: "update audit.event set time = time + interval '1 month' where id = (select id from audit.log where index = 30)",
            kinds: [.partitionChanged], index: 30),
        Case(
            name: "puts an event in behind the sealer's back",
            script: """
                insert into audit.event (shard, id, time, tx, tenant, source, type, outcome, severity, actor_kind, privileged, body_hash, salt, body)
                select shard, gen_random_uuid(), time, '3', tenant, source, type, outcome, severity, actor_kind, privileged, body_hash, salt, body
                from audit.event limit 1
                """, kinds: [.eventInserted]),
        Case(name: "deletes a tile", script: "delete from audit.tile where level = 0 and index = 1", kinds: [.tileMissing], index: 256),
        Case(
            name: "rewrites a hash of a tile",
            script: "update audit.tile set hashes = sha256('x') || substr(hashes, 33) where level = 0 and index = 0",
            kinds: [.headerChanged, .rootChanged], index: 0),
        Case(
            name: "edits a header and its hash",
            script: """
                update audit.event set outcome = 'success' where id = (select id from audit.log where index = 0);
                update audit.tile set hashes = sha256('x') || substr(hashes, 33) where level = 0 and index = 0
                """, kinds: [.rootChanged]),
        Case(
            name: "rewrites the edge", script: "update audit.tree set edge = sha256('x') || substr(edge, 33)",
            kinds: [.headerChanged, .rootChanged]),
        Case(name: "cuts the edge", script: "update audit.tree set edge = substr(edge, 33)", kinds: [.treeChanged]),
        Case(name: "sets the tree back", script: "update audit.tree set size = 512, edge = ''", kinds: [.treeChanged]),
        Case(name: "removes the tree", script: "truncate audit.tree", kinds: [.treeChanged]),
        Case(name: "edits a checkpoint", script: "update audit.signed_checkpoint set root = sha256('x')", kinds: [.checkpointChanged]),
        Case(
            name: "forges a checkpoint",
            script:
                "update audit.signed_checkpoint set note = replace(note, encode(root, 'base64'), encode(sha256('x'), 'base64')), root = sha256('x')",
            kinds: [.checkpointChanged, .rootChanged]),
        Case(
            name: "puts a row into the log beyond its head",
            script: "insert into audit.log select shard, 9999, id, time, sealed_at from audit.log where index = 0",
            kinds: [.headChanged, .eventRepeated]),
        Case(
            name: "cuts the end off, with checkpoints, tree and head",
            script: """
                delete from audit.event where id in (select id from audit.log where index >= 512); delete from audit.log where index >= 512;
                update audit.tree set size = 512, edge = '';
                update audit.head set next_index = 512; truncate audit.signed_checkpoint cascade
                """, kinds: [.treeChanged], isSeenByHolderAlone: true),
    ]

    @Test("is seen, and what was changed is named", arguments: cases)
    func seen(_ one: Case) async throws {
        try await withProofBed { bed in
            // More than two tiles, in two steps.
            try await bed.append(500)
            try await bed.sign()
            try await bed.append(200)
            let signed = try await bed.sign()
            let before = try await bed.findings()
            #expect(before.findings.isEmpty && before.summary.size == 700 && before.summary.checkpoints == 2 && before.summary.signed == 2)
            try await bed.tamper(one.script)
            let held = one.isSeenByHolderAlone ? Array(signed.values) : []
            let after = try await bed.findings(held: held)
            let kinds = Set(after.findings.map(\.kind))
            #expect(one.kinds.isSubset(of: kinds), "\(after.findings.prefix(5).map(\.message))")
            if let index = one.index { #expect(after.findings.contains { $0.index == index && one.kinds.contains($0.kind) }) }
            #expect(after.summary.findings == after.findings.count && after.summary.firstFinding == after.findings.first?.message)
        }
    }

    @Test("who rewrites everything, tiles and tree too, is seen by whoever kept a checkpoint")
    func rewritten() async throws {
        try await withProofBed { bed in
            try await bed.append(600)
            let kept = try await bed.sign()
            try await bed.tamper(
                """
                update audit.event set outcome = 'success' where id = (select id from audit.log where index = 77);
                truncate audit.tile; truncate audit.tree; truncate audit.signed_checkpoint cascade
                """)
            try await bed.sign()
            #expect(try await bed.findings().findings.isEmpty, "the tree itself cannot tell")
            let seen = try await bed.findings(held: Array(kept.values)).findings
            #expect(seen.map(\.kind) == [.rootChanged], "\(seen)")
        }
    }

    @Test("who empties events, or drops a partition, and writes down that it was lawful lacks the event that says so")
    func doors() async throws {
        try await withProofBed { bed in
            try await bed.append(10)
            try await bed.sign()
            try await bed.tamper(
                """
                insert into audit.erasure (shard, tenant, subject, reason, actor, state, finished_at) values (0, 'default', 'x', 'y', 'eve', 'done', now());
                update audit.event set body = null, salt = null, actor = null, client_ip = null where id = (select id from audit.log where index = 3);
                insert into audit.erased_event (shard, id, time, erasure) select e.shard, e.id, e.time, (select max(id) from audit.erasure)
                from audit.event e where e.id = (select id from audit.log where index = 3)
                """)
            #expect(try await bed.findings().findings.map(\.kind) == [.bodyMissing])
            try await bed.tamper(
                """
                insert into audit.dropped_partition (name, lower_bound, upper_bound, events, bytes, shards, dropped_by, dropped_at)
                select 'audit.event_x', date_trunc('month', now()) - interval '1 month', now() + interval '1 hour', 10, 0, '[]', 'eve', now();
                delete from audit.event where id = (select id from audit.log where index = 4)
                """)
            #expect(Set(try await bed.findings().findings.map(\.kind)).contains(.eventMissing))
        }
    }

    @Test("a checkpoint that no known key signed is none, and what was signed here is remembered here")
    func forged() async throws {
        try await withProofBed { bed in
            try await withFolder { folder in
                let kept = KeptCheckpoints(folder + "/checkpoints")
                func signer(_ key: NoteSigner) async throws -> CheckpointSigner {
                    CheckpointSigner(bed.store, name: try await bed.store.name(), keys: [key], kept: kept)
                }
                try await bed.append(300)
                try await Sealer(bed.workers).sealAll()
                _ = try await signer(bed.key).sign(0, try await bed.store.extendAll(0))
                try await signer(bed.key).check(0)
                #expect(try await bed.findings().findings.isEmpty)
                // Everything written anew, and signed by somebody else.
                try await bed.tamper(
                    """
                    update audit.event set outcome = 'success' where id = (select id from audit.log where index = 77);
                    truncate audit.tile; truncate audit.tree; truncate audit.signed_checkpoint cascade
                    """)
                let edge = try await bed.store.extendAll(0)
                let eve = try #require(NoteSigner(name: "eve"))
                _ = try await CheckpointSigner(bed.store, name: try await bed.store.name(), keys: [eve]).sign(0, edge)
                #expect(try await bed.findings().findings.map(\.kind) == [.checkpointChanged])
                // And so that the keeper has to sign it himself: he remembers.
                try await bed.tamper("truncate audit.signed_checkpoint cascade")
                #expect(try await bed.findings().findings.isEmpty)
                await #expect(throws: StoreError.self) { try await signer(bed.key).check(0) }
                let held = try await LogVerifier.held(kept, 0, bed.workers)
                var found: [RecordFinding] = []
                _ = try await LogVerifier(bed.workers, keys: [bed.key.verifier], held: held).verify(0) { found.append($0) }
                #expect(found.map(\.kind) == [.rootChanged])
            }
        }
    }

    @Test("an event that is taken out and put in again has two indexes")
    func again() async throws {
        try await withProofBed { bed in
            try await bed.append(10)
            try await bed.sign()
            try await bed.tamper(
                """
                create temp table kept as select * from audit.event where id = (select id from audit.log where index = 4);
                delete from audit.event where id in (select id from kept); update kept set tx = pg_current_xact_id();
                insert into audit.event select * from kept
                """)
            try await Sealer(bed.workers).sealAll()
            let findings = try await bed.findings().findings
            #expect(findings.map(\.kind) == [.eventRepeated] && findings.first?.index == 4, "\(findings)")
        }
    }

    @Test("a partition that was taken off and filled by hand holds what is not for it")
    func detached() async throws {
        try await withProofBed { bed in
            try await bed.append(10)
            try await bed.sign()
            let name = try await bed.pool.query(
                "select name::text from audit.partition order by upper_bound desc limit 1", as: String.self)[0]
            try await bed.tamper(
                """
                create table moved as select * from audit.event where id = (select id from audit.log where index = 2);
                delete from audit.event where id in (select id from moved);
                alter table audit.event detach partition \(name);
                insert into \(name) select * from moved;
                update pg_class set relispartition = true where oid = '\(name)'::regclass
                """)
            let findings = try await bed.findings().findings
            #expect(findings.map(\.kind) == [.eventMissing], "\(findings)")
        }
    }

    @Test("an untouched record has no findings, whatever is in it", arguments: 0..<6)
    func untouched(seed: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let now = Timestamp.now()
        let events = (0..<400).compactMap { _ -> EncodedEvent? in
            var event = random.event()
            event.header.id = EventID(time: now.advanced(bySeconds: -Int64.random(in: 0..<2_000_000, using: &random)))
            // What makes numbers difficult on their way through jsonb.
            event.body.details["numbers"] = .array([
                .double(1e17), .double(1e21), .double(-0.0), .double(5e-324), .double(1.7976931348623157e308), .double(0.1), .int(.max),
                .int(1 << 53),
                .double(Double(random.next() >> 11) * 1e-7), .double(1e-7), .double(123_456_789_012_345_680_000),
            ])
            return try? EventEncoder().encode(event, now: now)
        }
        try #require(events.count > 200)
        try await withProofBed(shards: 2) { bed in
            try await Appender(bed.workers).append(events)
            try await bed.sign()
            for shard: Int32 in [0, 1] { #expect(try await bed.findings(shard).findings.isEmpty) }
            let sizes = try await [bed.findings(0), bed.findings(1)].map(\.summary.size)
            #expect(Int(sizes.reduce(0, +)) == events.count)
        }
    }

    @Test("a verification that was interrupted goes on where it was")
    func resumed() async throws {
        try await withProofBed { bed in
            for _ in 0..<4 { try await bed.append(2000) }
            try await bed.sign()
            try await bed.tamper(
                "update audit.event set outcome = 'success' where id in (select id from audit.log where index in (100, 7000))")
            struct Interrupted: Error {}
            var position: LogVerifier.Position?
            var first: [RecordFinding] = []
            await #expect(throws: Interrupted.self) {
                try await LogVerifier(bed.workers, keys: []).verify(
                    0,
                    progress: { reached, _ in
                        position = reached
                        throw Interrupted()
                    }, found: { first.append($0) })
            }
            let kept = try #require(position.flatMap { LogVerifier.Position(json: $0.json) })
            #expect(kept == position && kept.index == 5120)
            let rest = try await bed.findings(from: kept)
            #expect(first.map(\.index) == [100] && rest.findings.map(\.index) == [7000])
            #expect(rest.summary.findings == 2 && rest.summary.size == 8000)
        }
    }
}
