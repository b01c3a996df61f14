import EventStore
import PostgreSQL
import TransparencyLog

/// Brings the trees up to what is committed, for commands that must not wait for a worker.
enum ProofDesk {
    /// Seals, hashes and signs every shard; returns the shards. Without a key nothing is signed.
    @discardableResult
    static func bringUpToDate(_ deployment: Deployment, _ pool: PostgresPool, by person: String = "cardea") async throws -> [Int32] {
        let keys = try await LogKeys.ready(deployment, pool, by: person)
        let sealer = Sealer(pool)
        try await sealer.sealAll()
        let store = TreeStore(pool)
        let signer = keys.signers.isEmpty ? nil : try await keys.signer(store)
        let shards = try await sealer.shards()
        for shard in shards {
            try await signer?.check(shard)
            let edge = try await store.extendAll(shard)
            _ = try await signer?.sign(shard, edge)
        }
        return shards
    }

    /// The verifiers that people gave, and those of the keys that lie here.
    static func verifiers(_ texts: [String], _ keys: LogKeys?) throws -> [NoteVerifier] {
        try texts.map { text in
            do { return try NoteVerifier(text) } catch {
                throw Failure(
                    "'\(RowPrinter.visible(text))' is no vkey: \(error)", hint: "`cardea keys show` prints them, as NAME+HASH+KEY.",
                    status: 2)
            }
        } + (keys?.signers.map(\.verifier) ?? [])
    }
}
