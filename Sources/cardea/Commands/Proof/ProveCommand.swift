import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL
import TransparencyLog

struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Prove that an event is in the record.",
        discussion: """
            Prints a proof that stands by itself (C2SP tlog-proof): the event's leaf, which is its header with the hash of its body, the hashes from \
            there to the root, and the signed checkpoint. `cardea verify FILE --vkey K` checks it, offline, and so do others' tools.
            """)

    @Argument(help: "The event's id.") var event: String
    @Option(help: ArgumentHelp("In the checkpoint with at most so many leaves. Default: the newest.", valueName: "size")) var at: Int64?
    @Option(help: ArgumentHelp("Write the proof to this file.", valueName: "file")) var out: String?
    @Option(name: [.short, .customLong("output")], help: "text (the proof itself), json or jsonl.") var output: Form = .text
    @OptionGroup var person: PersonOptions
    @OptionGroup var database: DatabaseOptions

    enum Form: String, ExpressibleByArgument, CaseIterable { case text, json, jsonl }

    func validate() throws {
        guard EventID(event) != nil else { throw ValidationError("'\(event)' is no event id; `cardea query` prints them.") }
        if let at, at < 1 { throw ValidationError("--at is 1 or more.") }
    }

    func run() async throws {
        guard let id = EventID(event) else { return }
        let deployment = try await Deployment.open(database)
        try await deployment.withPool(.worker, connections: 2) { pool in
            try await ProofDesk.bringUpToDate(deployment, pool, by: person.name)
            guard let place = try await LogPlace.of(id, pool) else {
                throw Failure("there is no event \(id) in the record", hint: "`cardea query` finds events.")
            }
            guard let stored = try await StoredCheckpoint.latest(place.shard, atMost: at ?? .max, pool) else {
                throw Failure(
                    at == nil ? "no checkpoint was signed yet" : "no checkpoint was signed with \(at ?? 0) leaves or fewer",
                    hint: "`cardea keys generate` makes a key, where there is none.")
            }
            guard place.index < Int64(stored.checkpoint.size),
                let plan = ProofPlan.inclusion(of: UInt64(place.index), in: stored.checkpoint.size)
            else {
                throw Failure(
                    "the event has index \(place.index), and the checkpoint \(stored.checkpoint.size) leaves",
                    hint: "Name a later one, or none.")
            }
            let store = TreeStore(pool)
            guard let leaf = try await store.leaves(place.shard, place.index..<place.index + 1).first ?? nil else {
                throw Failure("the event has left the record with its partition; its header can be proved from an earlier export alone")
            }
            let document = InclusionDocument(
                index: UInt64(place.index), proof: try await store.proof(plan, shard: place.shard), checkpoint: stored.note,
                extra: leaf.bytes)
            guard
                (try? document.verified(
                    leaf: .leaf(leaf.bytes), by: stored.note.signatures.isEmpty ? [] : try await keys(pool, place.shard))) != nil
            else {
                throw Failure(
                    "the event is not what the checkpoint says: the record was changed", hint: "`cardea verify log` tells more.")
            }
            try await Reading(.proof, by: person.name, target: "event/\(id)").record(pool)
            let text: String
            switch output {
            case .text: text = String(decoding: document.bytes, as: UTF8.self)
            case .json, .jsonl:
                let json: JSONObject = [
                    "shard": .int(Int64(place.shard)), "index": .int(place.index),
                    "leaf": .string(String(decoding: leaf.bytes, as: UTF8.self)),
                    "leaf_hash": .string(MerkleHash.leaf(leaf.bytes).description),
                    "hashes": .array(document.proof.map { .string($0.description) }),
                    "checkpoint": .string(String(decoding: stored.note.bytes, as: UTF8.self)),
                ]
                text = RowPrinter.text(.object(json)) + "\n"
            }
            if let out { try Files.write(Array(text.utf8), out) } else { StandardOutput.write(text) }
        }
    }

    private func keys(_ pool: PostgresPool, _ shard: Int32) async throws -> [NoteVerifier] {
        let origin = TreeStore.origin(try await TreeStore(pool).name(), shard: shard)
        return try await LogKey.all(pool).compactMap { NoteVerifier(name: origin, key: $0.key) }
    }
}
