/// VERIFY.md: how a stranger verifies a package.
enum ExportInstructions {
    static func text(_ manifest: ExportManifest) -> String {
        let logs = manifest.shards.map { "- `\($0.origin)`: leaves \($0.first) to \($0.size), root `\($0.root)`" }.joined(separator: "\n")
        return """
            # How to verify this package

            You need the log's public key (a *vkey*), which you were given by another way than this package, and nothing else:

                cardea verify PACKAGE --vkey 'NAME+HASH+KEY'

            Exit status 0: valid, 1: tampered, 2: wrong usage, 3: incomplete. With `--since CHECKPOINT`, a checkpoint of this log that you kept from an
            earlier visit, it also shows that nothing recorded before was changed since.

            The package stands on:

            \(logs)

            ## By hand, with other tools

            1. `manifest.note` is a signed note (C2SP signed-note, Ed25519). Its text is `ORIGIN/export/v1`, a line feed, the Base64 of the SHA-256 of
               `manifest.json`, a line feed. Verify it under your vkey.
            2. Every file of the package but these two is listed in `manifest.json` (RFC 8785) with its length and SHA-256, and no other is there.
            3. `proof/SHARD/checkpoint.end` is a checkpoint (C2SP tlog-checkpoint) under the same key: origin, size, root.
            4. A line of `events.jsonl`, without the members `body`, `disclosed`, `index`, `match`, `salt`, `shard` and `withheld`, as canonical JSON (RFC 8785) is
               the data of a leaf; its hash is SHA-256 of a zero byte and the data (RFC 9162, 2.1.1). A line with `leaf_hash` alone is a leaf whose event
               left the record past retention.
            5. `proof/SHARD/range.json`: `left` are the hashes of the complete subtrees before the leaf `boundary`, the largest first. With them, the boundary
               and the lines of the shard in order, the root of the checkpoint comes out: no leaf is missing, added, changed or moved.
            6. `sealed_at` never decreases along the index, and that of the boundary lies more than 10 minutes before the period: none of the period lies before.
            7. Where a line has `body` and `salt`: SHA-256 of the salt's 16 bytes and the body's canonical JSON is its `body_hash`.
            8. `proof/SHARD/consistency` and `checkpoint.start`: an RFC 9162 consistency proof from the last checkpoint before the period.
            9. `report.json` counts the lines of `events.jsonl`; `events.csv` and `ocsf.jsonl` have the matches in the same order.

            ## What it shows, and what not

            With the log's key alone the record is *tamper-detecting*: who holds the key and the database could have written everything anew. It is
            *tamper-evident since T* where a witness signed the checkpoint at T, or you hold a checkpoint of T. That the application reported everything that
            happened cannot be proved by its record.

            """
    }
}
