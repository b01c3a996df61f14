public import AuditEvents
import Crypto
public import EventStore
public import PostgreSQL
public import TransparencyLog

/// Writes packages that prove themselves: in one pass over the log, in constant memory, continued where an interrupted one stopped.
public struct Exporter: Sendable {
    /// What became of it.
    public struct Made: Sendable {
        public var matches: Int
        public var events: Int
        public var withheld: Int
        public var pruned: Int
        public var bytes: Int64
        /// Of the manifest, hexadecimal.
        public var sha256: String
        public var sizes: [Int32: UInt64]
    }

    static let page: Int64 = 2000

    let pool: PostgresPool
    let store: TreeStore
    let signer: CheckpointSigner

    /// - Parameters:
    ///   - pool: under `cardea_reader` or better; two connections.
    ///   - signer: with one key at least.
    public init(_ pool: PostgresPool, signer: CheckpointSigner) { (self.pool, store, self.signer) = (pool, TreeStore(pool), signer) }

    /// One shard's part.
    struct Part: Sendable {
        var shard: Int32
        var checkpoint: StoredCheckpoint
        var first: Int64
        var start: StoredCheckpoint?
        var held: [UInt64]
        var size: Int64 { Int64(checkpoint.checkpoint.size) }
    }

    /// Writes the package into `folder`, which is made; what an interrupted export of the same request left there is continued.
    ///
    /// - Throws: `StoreError` with `.record` where no checkpoint was signed, `.file` for what cannot be written.
    public func export(_ request: ExportRequest, into folder: String, progress: (_ done: Int64, _ of: Int64) -> Void = { _, _ in })
        async throws -> Made
    {
        let parts = try await parts(request)
        guard let home = parts.first else {
            throw StoreError(.record, "no checkpoint was signed yet", hint: "Run `cardea up` or `cardea worker --until-idle` once.")
        }
        let identity = Exporter.identity(request, parts)
        var state = ExportState.resumed(folder, identity) ?? ExportState(identity: identity, shard: home.shard, index: home.first)
        var lines = try PackageFile("events.jsonl", in: folder, kept: state.kept("events.jsonl"), hasRecords: true)
        var csv = try PackageFile("events.csv", in: folder, kept: state.kept("events.csv"), hasRecords: true)
        var ocsf = try PackageFile("ocsf.jsonl", in: folder, kept: state.kept("ocsf.jsonl"), hasRecords: true)
        if csv.bytes == 0 {
            var header: [UInt8] = []
            CSVRow.append(ExportFormatter.csvColumns, to: &header)
            try csv.append(header)
        }
        let total = parts.reduce(0) { $0 + $1.size - $1.first }
        var done: Int64 = 0
        var saved = ContinuousClock.now
        for part in parts {
            if part.shard < state.shard {
                done += part.size - part.first
                continue
            }
            var index = part.shard == state.shard ? state.index : part.first
            done += index - part.first
            let formatter = ExportFormatter(shard: part.shard, disclosure: request.disclosure, forms: request.forms)
            var rows = try await read(request, part, from: index)
            while !rows.isEmpty {
                let next = index + Int64(rows.count)
                async let following = read(request, part, from: next)
                let output = formatter.format(rows, &state.totals)
                try lines.append(output.lines, records: output.events)
                try csv.append(output.csv, records: output.matches)
                try ocsf.append(output.ocsf, records: output.matches)
                done += next - index
                index = next
                progress(done, total)
                if ContinuousClock.now - saved > .seconds(2) {
                    try lines.flush()
                    try csv.flush()
                    try ocsf.flush()
                    state.files = [
                        lines.path: (lines.bytes, lines.records), csv.path: (csv.bytes, csv.records), ocsf.path: (ocsf.bytes, ocsf.records),
                    ]
                    (state.shard, state.index) = (part.shard, index)
                    try state.save(folder)
                    saved = .now
                }
                rows = try await following
            }
            guard index == part.size else {
                throw StoreError(.record, "the log of shard \(part.shard) has no index \(index)", hint: "Run `cardea verify log`.")
            }
        }
        var files = [try lines.finish()]
        for (form, file) in [(ExportRequest.Form.csv, try csv.finish()), (.ocsf, try ocsf.finish())] {
            if request.forms.contains(form) { files.append(file) } else { Files.removeTree("\(folder)/\(file.path)") }
        }
        return try await finish(request, parts, files, state.totals, folder)
    }

    // MARK: What it stands on

    private func parts(_ request: ExportRequest) async throws -> [Part] {
        var parts: [Part] = []
        for shard in try await Sealer(pool).shards() {
            guard let checkpoint = try await StoredCheckpoint.latest(shard, atMost: request.atMost, pool) else { continue }
            let size = Int64(checkpoint.checkpoint.size)
            let first = try await first(shard, since: request.since, size)
            let origin = checkpoint.checkpoint.origin
            parts.append(
                Part(
                    shard: shard, checkpoint: checkpoint, first: first,
                    start: first > 0 ? try await StoredCheckpoint.latest(shard, atMost: first, pool) : nil,
                    held: request.held.filter { $0.origin == origin && $0.checkpoint.size <= UInt64(size) }.map(\.checkpoint.size).sorted())
            )
        }
        return parts
    }

    /// The first index that was sealed at or after the period's beginning, less the lead. Times of sealing never decrease along the index.
    private func first(_ shard: Int32, since: Timestamp?, _ size: Int64) async throws -> Int64 {
        guard let since else { return 0 }
        let edge = since.advanced(bySeconds: -ExportRequest.lead)
        var (low, high) = (Int64(0), size)
        while low < high {
            let middle = (low + high) / 2
            let sealed = try await pool.query(
                "select sealed_at from audit.log where shard = \(shard) and index = \(middle)", as: PostgresTimestamp.self
            ).first
            guard let sealed else {
                throw StoreError(.record, "the log of shard \(shard) has no index \(middle)", hint: "Run `cardea verify log`.")
            }
            if sealed.microseconds < edge.microseconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Two exports with one identity are the same bytes, as far as nothing is erased between them.
    private static func identity(_ request: ExportRequest, _ parts: [Part]) -> String {
        let stands = parts.map { "\($0.shard):\($0.first):\($0.size):\($0.checkpoint.checkpoint.root):\($0.held)" }
        let forms = request.forms.map(\.rawValue).sorted().joined(separator: ",")
        return "\(request.query)\n\(request.disclosure.text)\n\(forms)\n\(stands.joined(separator: "\n"))"
    }

    private func read(_ request: ExportRequest, _ part: Part, from: Int64) async throws -> [ExportRow] {
        let end = min(from + Exporter.page, part.size)
        guard from < end else { return [] }
        let rows = try await pool.query(
            """
            select \(unsafe: EventLeaf.columns), m.is_match, case when m.is_match then e.salt end, case when m.is_match then e.body end
            \(unsafe: EventLeaf.source)
            cross join lateral (select coalesce((\(request.condition)), false) as is_match) m
            where l.shard = \(part.shard) and l.index >= \(from) and l.index < \(end)
            order by l.index
            """)
        let first = EventLeaf.columnCount
        var read = try rows.map { row in
            let leaf = try EventLeaf(row)
            return ExportRow(
                index: try row.decode(0, as: Int64.self), leaf: leaf, isMatch: try leaf != nil && row.decode(first, as: Bool.self),
                body: try row.decode(first + 2, as: PostgresJSON?.self)?.text,
                salt: try row.decode(first + 1, as: PostgresBytes?.self)?.bytes)
        }
        let gone = read.indices.filter { read[$0].leaf == nil }
        if !gone.isEmpty {
            let nodes = gone.map { TreeNode(level: 0, index: UInt64(read[$0].index)) }
            let hashes = try await store.hashes(of: nodes, shard: part.shard)
            for (place, node) in zip(gone, nodes) { read[place].prunedHash = hashes[node]?.description }
        }
        return read
    }

    // MARK: What is written at the end

    private func finish(
        _ request: ExportRequest, _ parts: [Part], _ data: [ExportManifest.File], _ counted: ExportTotals, _ folder: String
    ) async throws -> Made {
        var totals = counted
        var files = data
        func write(_ path: String, _ bytes: [UInt8], records: Int? = nil) throws {
            var file = try PackageFile(path, in: folder, hasRecords: records != nil)
            try file.append(bytes, records: records ?? 0)
            files.append(try file.finish())
        }
        var shards: [ExportManifest.Shard] = []
        for part in parts {
            let size = UInt64(part.size)
            let proof = "proof/\(part.shard)"
            try write("\(proof)/checkpoint.end", part.checkpoint.note.bytes)
            var left: [MerkleHash] = []
            var boundary: String?
            if part.first > 0 {
                let nodes = TreeFrontier.nodes(size: UInt64(part.first - 1))
                let hashes = try await store.hashes(of: nodes, shard: part.shard)
                left = nodes.compactMap { hashes[$0] }
                guard let leaf = try await store.leaves(part.shard, part.first - 1..<part.first).first ?? nil else {
                    throw StoreError(
                        .record, "the event before the period, index \(part.first - 1) of shard \(part.shard), has left the record",
                        hint: "Begin the period earlier, or leave --since out.")
                }
                boundary = String(decoding: leaf.bytes, as: UTF8.self)
                totals.begin(after: leaf)
            }
            let range = RangeProof(first: UInt64(part.first), size: size, left: left, boundary: boundary)
            try write("\(proof)/range.json", CanonicalJSON.encode(.object(range.json)))
            func consistency(_ name: String, from old: UInt64) async throws {
                let plan = ProofPlan.consistency(from: old, to: size) ?? []
                let hashes = try await store.proof(plan, shard: part.shard)
                try write("\(proof)/\(name)", Array(hashes.map { "\($0)\n" }.joined().utf8))
            }
            if let start = part.start {
                try write("\(proof)/checkpoint.start", start.note.bytes)
                try await consistency("consistency", from: start.checkpoint.size)
            }
            for held in part.held { try await consistency("consistency.\(held)", from: held) }
            shards.append(
                ExportManifest.Shard(
                    shard: part.shard, origin: part.checkpoint.checkpoint.origin, first: UInt64(part.first), size: size,
                    root: part.checkpoint.checkpoint.root, start: part.start?.checkpoint.size, held: part.held))
        }
        let custody = try await ExportCustody.lines(parts.map { ($0.shard, $0.size) }, pool)
        try write("custody.jsonl", custody.bytes, records: custody.count)
        let origin = shards[0].origin
        var manifest = ExportManifest(
            query: request.query, since: request.since, until: request.until, timeZone: "UTC", disclosure: request.disclosure.text,
            shards: shards,
            files: [], totals: totals)
        try write("report.json", CanonicalJSON.encode(.object(totals.json)))
        if request.forms.contains(.html) { try write("report.html", ExportReport.html(manifest)) }
        if request.forms.contains(.oscal) {
            try write("oscal/assessment-results.json", ExportOSCAL.bytes(manifest))
        }
        try write("VERIFY.md", Array(ExportInstructions.text(manifest).utf8))
        manifest.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let bytes = manifest.bytes
        let text = ExportManifest.noteText(bytes, origin: origin)
        let note = SignedNote(text: text, signatures: try signer.signers(shards[0].shard).map { try $0.sign(text) })
        try Files.write(bytes, "\(folder)/\(ExportManifest.fileName)")
        try Files.write(note.bytes, "\(folder)/\(ExportManifest.noteName)")
        ExportState.remove(folder)
        return Made(
            matches: totals.matches, events: totals.events, withheld: totals.withheld, pruned: totals.pruned,
            bytes: manifest.files.reduce(Int64(bytes.count)) { $0 + $1.bytes }, sha256: Hexadecimal.encode(Array(SHA256.hash(data: bytes))),
            sizes: Dictionary(uniqueKeysWithValues: shards.map { ($0.shard, $0.size) }))
    }

    /// The names of a package's files, in the order in which a tar has them: the manifest first.
    public static func names(_ folder: String) throws -> [String] {
        let manifest = try ExportManifest(try Files.read("\(folder)/\(ExportManifest.fileName)") ?? [])
        return [ExportManifest.fileName, ExportManifest.noteName] + manifest.files.map(\.path)
    }

    /// Packs a finished folder into one file.
    public static func pack(_ folder: String, to path: String) throws { try TarArchive.write(try names(folder), from: folder, to: path) }
}
