import AuditEvents
import DatabaseTesting
import EventStore
import Foundation
import PostgreSQL
import Testing
import TransparencyLog

@testable import Compliance

/// A record with trees and a key, and what a superuser may do to it.
struct ProofBed: Sendable {
    let database: TestDatabase
    /// Of the superuser.
    let pool: PostgresPool
    let workers: PostgresPool
    let key: NoteSigner

    var store: TreeStore { TreeStore(workers) }

    func signer() async throws -> CheckpointSigner { CheckpointSigner(store, name: try await store.name(), keys: [key]) }

    func event(
        _ tenant: String = "default", type: EventType = .loginFailure, actor: String = "ada", at time: Timestamp = .now()
    ) throws -> EncodedEvent {
        try EventEncoder().encode(
            AuditEvent(
                header: EventHeader(
                    id: EventID(time: time), tenant: tenant, source: "api", type: type, outcome: .failure, reason: "bad_password",
                    actorKind: .user),
                body: EventBody(
                    actor: .init(id: "u-\(actor)", name: actor), client: .init(ip: "192.0.2.7", userAgent: "=cmd|' /C calc'!A0"),
                    target: "orders/7", details: ["note": "a \"quoted\", line\nwith more"])), now: .now())
    }

    func append(_ count: Int, _ tenant: String = "default") async throws {
        try await Appender(workers).append(try (0..<count).map { try event(tenant, actor: "user\($0 % 5)") })
    }

    /// Seals, hashes and signs everything.
    @discardableResult
    func sign() async throws -> [Int32: StoredCheckpoint] {
        try await Sealer(workers).sealAll()
        var signed: [Int32: StoredCheckpoint] = [:]
        for shard in try await Sealer(workers).shards() {
            signed[shard] = try await signer().sign(shard, try await store.extendAll(shard))
        }
        return signed
    }

    /// As a superuser who knows what refuses him, and turns it off.
    func tamper(_ script: String) async throws {
        try await pool.withConnection { connection in
            try await connection.simple("set session_replication_role = replica; \(script); reset session_replication_role")
        }
    }

    func findings(
        _ shard: Int32 = 0, held: [StoredCheckpoint] = [], from: LogVerifier.Position? = nil
    ) async throws -> (summary: LogVerifier.Summary, findings: [RecordFinding]) {
        var findings: [RecordFinding] = []
        let summary = try await LogVerifier(
            workers, keys: [key.verifier], held: held.map { .init($0.checkpoint, from: "what the auditor kept") }
        ).verify(shard, from: from) { findings.append($0) }
        return (summary, findings)
    }
}

func withProofBed<R: Sendable>(shards: Int = 1, _ body: (ProofBed) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        _ = try await Migrator(database.configuration(), logger: .quiet).migrate(shards: shards)
        let workers = database.pool(role: "cardea_worker", maximumConnections: 8)
        let bed = ProofBed(
            database: database, pool: database.pool(maximumConnections: 4), workers: workers,
            key: try #require(NoteSigner(name: try await TreeStore(workers).name())))
        let result: Result<R, any Error>
        do { result = .success(try await body(bed)) } catch { result = .failure(error) }
        for pool in [bed.pool, bed.workers] { await pool.close() }
        return try result.get()
    }
}

/// A folder of a test's own, removed afterwards.
func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = "/tmp/cardea-proof-\(getpid())-\(UInt64.random(in: 0..<(1 << 40)))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
