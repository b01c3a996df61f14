import AuditEvents
import AuditTesting
import DatabaseTesting
import EventStore
import Foundation
import PostgreSQL
import Testing
import TransparencyLog

@testable import Compliance

@Suite("the tree over the record")
struct TreeTests {
    @Test("8 writers with slow commits, three that hash and sign at once and are cut off again and again: one tree, nothing missing")
    func concurrent() async throws {
        try await withProofBed { bed in
            let (writers, each) = (8, 40)
            #expect(try await Appender(bed.workers).shard(of: "default") == 0)
            try await withThrowingTaskGroup { group in
                for writer in 0..<writers {
                    group.addTask {
                        for _ in 0..<each {
                            let batch = try (0..<5).map { _ in try bed.event(actor: "writer\(writer)") }
                            try await bed.workers.withTransaction { connection in
                                try await Appender.append(batch, shard: 0, in: connection)
                                try await connection.execute("select pg_sleep(\(Double.random(in: 0...0.02)))")
                                if Int.random(in: 0..<20) == 0 { throw CancellationError() }
                            }
                        }
                    }
                }
                let signers = (0..<3).map { _ in
                    Task {
                        while !Task.isCancelled {
                            let once = Task { try await bed.sign() }
                            try? await Task.sleep(for: .milliseconds(Int.random(in: 1...40)))
                            once.cancel()
                            _ = await once.result
                        }
                    }
                }
                while let result = await group.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
                for signer in signers {
                    signer.cancel()
                    await signer.value
                }
            }
            try await bed.sign()
            let (summary, findings) = try await bed.findings()
            #expect(findings.isEmpty, "\(findings.prefix(3))")
            let stored = try await bed.pool.query("select count(*) from audit.event", as: Int64.self)[0]
            #expect(Int64(summary.size) == stored && summary.waiting == 0 && summary.checkpoints > 0)
            let twice = try await bed.pool.query(
                "select count(*) from (select from audit.signed_checkpoint group by shard, size having count(distinct root) > 1) x",
                as: Int64.self)
            #expect(twice == [0])
            // Any leaf can be proved in any checkpoint.
            let last = try #require(try await StoredCheckpoint.latest(0, bed.workers))
            for index in stride(from: 0, to: UInt64(stored), by: 97) {
                let plan = try #require(ProofPlan.inclusion(of: index, in: last.checkpoint.size))
                let leaf = try #require(try await bed.store.leaves(0, Int64(index)..<Int64(index) + 1).first ?? nil)
                let proof = try await bed.store.proof(plan, shard: 0)
                let document = InclusionDocument(index: index, proof: proof, checkpoint: last.note, extra: leaf.bytes)
                let key = try #require(bed.key.verifier.named(last.checkpoint.origin))
                #expect(try document.verified(leaf: .leaf(leaf.bytes), by: [key]) == last.checkpoint)
            }
        }
    }

    @Test("stored edges, tiles and roots are those of the leaves, at every size")
    func sizes() async throws {
        try await withProofBed { bed in
            var frontier = TreeFrontier()
            for count in [1, 1, 2, 251, 1, 1, 255, 3, 700] {
                try await bed.append(count)
                try await bed.sign()
                let leaves = try await bed.store.leaves(0, Int64(frontier.size)..<Int64(frontier.size) + Int64(count))
                for leaf in leaves { frontier.append(.leaf(try #require(leaf).bytes)) }
                let edge = try await bed.store.edge(0)
                #expect(edge.size == frontier.size && edge.root == frontier.root)
                #expect(try await StoredCheckpoint.latest(0, bed.workers)?.checkpoint.root == frontier.root)
            }
            // Consistency between any two checkpoints.
            let all = try await bed.pool.query(
                "select size, root from audit.signed_checkpoint order by size", as: (Int64, PostgresBytes).self)
            for (place, old) in all.enumerated() {
                for new in all[place...] {
                    let plan = try #require(ProofPlan.consistency(from: UInt64(old.0), to: UInt64(new.0)))
                    let proof = try await bed.store.proof(plan, shard: 0)
                    let (oldRoot, newRoot) = (try #require(MerkleHash(old.1.bytes)), try #require(MerkleHash(new.1.bytes)))
                    #expect(
                        MerkleProof.verifiesConsistency(from: UInt64(old.0), root: oldRoot, to: UInt64(new.0), root: newRoot, proof: proof))
                }
            }
        }
    }

    @Test("a tree that was changed is neither extended nor signed by a keeper that begins")
    func refused() async throws {
        try await withProofBed { bed in
            try await bed.append(300)
            try await bed.sign()
            try await bed.tamper("update audit.tree set edge = sha256('x') || substr(edge, 33)")
            await #expect(throws: StoreError.self) { try await bed.signer().check(0) }
            try await bed.tamper("update audit.tree set size = 256, edge = ''")
            await #expect(throws: StoreError.self) { try await bed.signer().sign(0, try await bed.store.edge(0)) }
            await #expect(throws: PostgresError.self) {
                _ = try await bed.pool.query(
                    "select audit.keep_checkpoint(0, 256, sha256('other'), 'x'), audit.keep_checkpoint(0, 256, sha256('another'), 'x')")
            }
        }
    }

    @Test("the folder of tiles holds what the tree says, only ever grows, and refuses another tree")
    func folder() async throws {
        try await withProofBed { bed in
            try await withFolder { path in
                let folder = TileFolder(path, bed.store)
                for count in [3, 300, 500] {
                    try await bed.append(count)
                    let signed = try await bed.sign()
                    try await folder.publish(try #require(signed[0]))
                }
                let read = { (name: String) in try Files.read("\(path)/0/\(name)") }
                let note = try SignedNote(try #require(try read("checkpoint")))
                let checkpoint = try Checkpoint(note, by: [try #require(bed.key.verifier.named(try Checkpoint(note.text).origin))])
                #expect(checkpoint.size == 803)
                var frontier = TreeFrontier()
                for tile in Tile.new(from: 0, to: 803) {
                    let bytes = try #require(try read(tile.path), "\(tile.path)")
                    if tile.kind == .entries {
                        for entry in try #require(tile.entries(bytes)) { frontier.append(.leaf(entry)) }
                    } else {
                        #expect(try await bed.store.bytes(of: tile, shard: 0) == bytes)
                    }
                }
                #expect(frontier.root == checkpoint.root)
                #expect(try read("tile/0/000.p/3") == nil, "what is full has no parts any more")
                try await bed.tamper("update audit.tree set edge = substr(edge, 1, octet_length(edge) - 32) || sha256('x')")
                try await bed.append(1)
                let other = try await bed.sign()
                await #expect(throws: StoreError.self) { try await folder.publish(try #require(other[0])) }
            }
        }
    }

    @Test("no role writes hashes but through the functions, and only the worker and the administrator may call those")
    func privileges() async throws {
        try await withProofBed { bed in
            try await bed.append(300)
            try await bed.sign()
            for role in ["cardea_writer", "cardea_worker", "cardea_reader", "cardea_responder", "cardea_admin"] {
                let pool = bed.database.pool(role: role, maximumConnections: 1)
                for table in [
                    "audit.tile", "audit.signed_checkpoint", "audit.cosignature", "audit.tree", "audit.verification", "audit.log_key",
                ] {
                    for statement in [
                        "update \(table) set shard = 1", "delete from \(table)", "truncate \(table)",
                        "insert into \(table) select * from \(table)",
                    ] {
                        await #expect(throws: PostgresError.self, "\(role): \(statement)") {
                            try await pool.withConnection { try await $0.simple(statement) }
                        }
                    }
                }
                if !["cardea_worker", "cardea_admin"].contains(role) {
                    await #expect(throws: PostgresError.self) {
                        _ = try await pool.query("select audit.extend_tree(0, 300, 301, '{}', '{}', '{}', '')")
                    }
                }
                await pool.close()
            }
            // The owner's own hand is refused too.
            for table in ["audit.tile", "audit.signed_checkpoint", "audit.verification"] {
                await #expect(throws: PostgresError.self) {
                    try await bed.pool.withConnection { try await $0.simple("delete from \(table)") }
                }
            }
        }
    }
}
