public import AuditEvents
import Crypto
public import TransparencyLog

/// Verifies a package, or a proof that stands by itself: offline, with keys that come from elsewhere.
public struct PackageVerifier: Sendable {
    /// What holds, and how firmly it can be claimed.
    public struct Report: Sendable {
        public var tier: Tier
        public var origins: [String]
        public var query: String?
        public var matches = 0
        public var leaves = 0
        public var withheld = 0
        public var pruned = 0
        public var sizes: [UInt64] = []
    }

    public enum Tier: Sendable, Hashable {
        case tamperDetecting
        /// With what shows it.
        case tamperEvident(since: String, by: String)

        public var text: String {
            switch self {
            case .tamperDetecting: "tamper-detecting: the log's key alone; who holds it and the database could have written everything anew"
            case .tamperEvident(let since, let by): "tamper-evident since \(since), by \(by)"
            }
        }
    }

    let keys: [NoteVerifier]
    let held: [SignedNote]
    let policy: WitnessPolicy?

    /// - Parameters:
    ///   - keys: the log's, of one of its shards at least.
    ///   - held: checkpoints that the verifier kept.
    public init(keys: [NoteVerifier], held: [SignedNote] = [], policy: WitnessPolicy? = nil) {
        (self.keys, self.held, self.policy) = (keys + (policy?.logs ?? []), held, policy)
    }

    /// The keys under the name of a log. All shards of a deployment have one key, and a name of their own each.
    func keys(for origin: String) -> [NoteVerifier] {
        keys.compactMap { key in
            if key.name.utf8.elementsEqual(origin.utf8) { return key }
            func deployment(_ name: String) -> Substring { name.lastIndex(of: "/").map { name[..<$0] } ?? name[...] }
            return deployment(key.name).utf8.elementsEqual(deployment(origin).utf8) || key.name.utf8.elementsEqual(deployment(origin).utf8)
                ? key.named(origin) : nil
        }
    }

    /// - Throws: `PackageFinding`, the first thing that is wrong.
    public func verify(_ path: String, progress: (_ lines: Int) -> Void = { _ in }) throws -> Report {
        let package = try PackageReader(path)
        let bytes = try package.whole(ExportManifest.fileName)
        let noteBytes = try package.whole(ExportManifest.noteName)
        // The files first, so that a finding names the file that was changed; that the manifest is what was signed comes right after.
        let manifest = try ExportManifest(bytes)
        try checkFiles(package, manifest)
        let origin = manifest.shards[0].origin
        let note = try PackageVerifier.note(noteBytes, ExportManifest.noteName)
        _ = try verified(note, origin, ExportManifest.noteName)
        guard note.text.utf8.elementsEqual(ExportManifest.noteText(bytes, origin: origin).utf8) else {
            throw PackageFinding(.tampered, ExportManifest.fileName, "it is not the manifest that was signed")
        }

        var shards: [ShardCheck] = []
        var tiers: [Tier] = []
        for shard in manifest.shards {
            let place = "proof/\(shard.shard)/checkpoint.end"
            let (checkpoint, note) = try self.checkpoint(package, place)
            guard checkpoint.origin.utf8.elementsEqual(shard.origin.utf8), checkpoint.size == shard.size, checkpoint.root == shard.root
            else {
                throw PackageFinding(.tampered, place, "it is not the checkpoint that the manifest names")
            }
            if let tier = try policy?.tier(note, place) { tiers.append(tier) }
            shards.append(try ShardCheck(shard, package, since: manifest.since))
        }
        let derived = try checkLines(package, manifest, &shards, progress)
        for check in shards { try check.finish() }
        for shard in manifest.shards { try checkStart(package, shard) }
        let heldTier = try checkHeld(package, manifest, shards)
        try checkDerived(manifest, derived)
        let tier = heldTier ?? (tiers.count == manifest.shards.count ? tiers.first : nil) ?? .tamperDetecting
        return Report(
            tier: tier, origins: manifest.shards.map(\.origin), query: manifest.query, matches: derived.totals.matches,
            leaves: derived.totals.events, withheld: derived.totals.withheld, pruned: derived.totals.pruned,
            sizes: manifest.shards.map(\.size))
    }

    /// Verifies a `.tlog-proof` whose extra data is the leaf.
    ///
    /// - Throws: `PackageFinding`.
    public func verify(proof bytes: [UInt8], _ place: String) throws -> (report: Report, leaf: [UInt8]) {
        let document: InclusionDocument
        let checkpoint: Checkpoint
        do {
            document = try InclusionDocument(bytes)
            checkpoint = try Checkpoint(document.checkpoint.text)
        } catch { throw PackageFinding(.tampered, place, "\(error)") }
        guard let leaf = document.extra else {
            throw PackageFinding(.incomplete, place, "the proof does not hold the leaf that it is about")
        }
        _ = try verified(document.checkpoint, checkpoint.origin, place)
        guard
            MerkleProof.verifiesInclusion(
                of: .leaf(leaf), at: document.index, in: checkpoint.size, root: checkpoint.root, proof: document.proof)
        else { throw PackageFinding(.tampered, place, "the leaf is not in the tree of the checkpoint at index \(document.index)") }
        let tier = try policy?.tier(document.checkpoint, place) ?? .tamperDetecting
        return (Report(tier: tier, origins: [checkpoint.origin], leaves: 1, sizes: [checkpoint.size]), leaf)
    }

    // MARK: Steps

    private func checkFiles(_ package: PackageReader, _ manifest: ExportManifest) throws {
        let listed = Set(manifest.files.map(\.path))
        guard listed.count == manifest.files.count else {
            throw PackageFinding(.tampered, ExportManifest.fileName, "it lists a file twice")
        }
        for file in manifest.files {
            var hash = SHA256()
            try package.chunks(file.path) { hash.update(data: $0) }
            guard package.bytes(of: file.path) == file.bytes, Hexadecimal.encode(Array(hash.finalize())) == file.sha256 else {
                throw PackageFinding(.tampered, file.path, "it is not the file that the manifest lists")
            }
        }
        for name in package.names where !listed.contains(name) && name != ExportManifest.fileName && name != ExportManifest.noteName {
            throw PackageFinding(.tampered, name, "the manifest does not list it")
        }
        guard listed.contains("events.jsonl") else { throw PackageFinding(.incomplete, "events.jsonl", "the manifest does not list it") }
    }

    private static func note(_ bytes: [UInt8], _ place: String) throws -> SignedNote {
        do { return try SignedNote(bytes) } catch { throw PackageFinding(.tampered, place, "\(error)") }
    }

    private func verified(_ note: SignedNote, _ origin: String, _ place: String) throws {
        let keys = keys(for: origin)
        guard !keys.isEmpty else {
            throw PackageFinding(.tampered, place, "it is of the log \(origin), and none of the keys that you gave is that log's")
        }
        do { _ = try note.verified(by: keys) } catch { throw PackageFinding(.tampered, place, "\(error)") }
    }

    private func checkpoint(_ package: PackageReader, _ place: String) throws -> (Checkpoint, SignedNote) {
        let note = try PackageVerifier.note(try package.whole(place), place)
        let checkpoint: Checkpoint
        do { checkpoint = try Checkpoint(note.text) } catch { throw PackageFinding(.tampered, place, "\(error)") }
        try verified(note, checkpoint.origin, place)
        return (checkpoint, note)
    }

    /// What the lines give, to be compared with the files that were made of them.
    struct Derived {
        var totals = ExportTotals()
        var csv = SHA256()
        var ocsf = SHA256()
    }

    private func checkLines(
        _ package: PackageReader, _ manifest: ExportManifest, _ shards: inout [ShardCheck], _ progress: (Int) -> Void
    ) throws -> Derived {
        var derived = Derived()
        for shard in shards { if let boundary = shard.boundary { derived.totals.begin(after: boundary) } }
        var header: [UInt8] = []
        CSVRow.append(ExportFormatter.csvColumns, to: &header)
        derived.csv.update(data: header)
        var number = 0
        var current = 0
        var rest: [UInt8] = []
        let held = Set(self.held.compactMap { try? Checkpoint($0.text) })
        try package.chunks("events.jsonl") { chunk in
            rest += chunk
            var start = 0
            while let end = rest[start...].firstIndex(of: 0x0a) {
                number += 1
                let place = "events.jsonl:\(number)"
                let line = try PackageLine(rest[start..<end], place)
                while current < shards.count, shards[current].shard.shard != line.shard { current += 1 }
                guard current < shards.count else { throw PackageFinding(.tampered, place, "its shard is not the next one") }
                try shards[current].take(line, place, held)
                if case .event(let leaf, let telling, let body) = line.content {
                    if telling.isMatch {
                        guard manifest.since.map({ leaf.time >= $0 }) ?? true, manifest.until.map({ leaf.time <= $0 }) ?? true else {
                            throw PackageFinding(.tampered, place, "it is said to match, and lies outside the period")
                        }
                        var row: [UInt8] = []
                        ExportFormatter.appendCSV(leaf, telling, body, to: &row)
                        derived.csv.update(data: row)
                        row.removeAll(keepingCapacity: true)
                        ExportFormatter.appendOCSF(leaf, body, to: &row)
                        derived.ocsf.update(data: row)
                    }
                    derived.totals.count(leaf, telling)
                } else {
                    derived.totals.countPruned()
                }
                start = end + 1
                if number.isMultiple(of: 10_000) { progress(number) }
            }
            rest.removeFirst(start)
            guard rest.count <= 4 << 20 else {
                throw PackageFinding(.tampered, "events.jsonl:\(number + 1)", "the line is far longer than any event")
            }
        }
        guard rest.isEmpty else { throw PackageFinding(.incomplete, "events.jsonl:\(number + 1)", "the last line ends early") }
        return derived
    }

    private func checkStart(_ package: PackageReader, _ shard: ExportManifest.Shard) throws {
        guard let size = shard.start else { return }
        let place = "proof/\(shard.shard)/checkpoint.start"
        let (start, _) = try checkpoint(package, place)
        guard start.size == size, start.origin.utf8.elementsEqual(shard.origin.utf8) else {
            throw PackageFinding(.tampered, place, "it is not the checkpoint that the manifest names")
        }
        try consistency(package, "proof/\(shard.shard)/consistency", from: start, to: shard)
    }

    private func consistency(_ package: PackageReader, _ place: String, from old: Checkpoint, to shard: ExportManifest.Shard) throws {
        let hashes = String(decoding: try package.whole(place), as: UTF8.self).split(separator: "\n").map { MerkleHash(base64: $0) }
        guard !hashes.contains(nil),
            MerkleProof.verifiesConsistency(
                from: old.size, root: old.root, to: shard.size, root: shard.root, proof: hashes.compactMap(\.self))
        else {
            throw PackageFinding(.tampered, place, "it does not show that the tree of \(shard.size) leaves begins as that of \(old.size)")
        }
    }

    /// The checkpoints that the verifier kept: the package's tree must contain each.
    private func checkHeld(_ package: PackageReader, _ manifest: ExportManifest, _ shards: [ShardCheck]) throws -> Tier? {
        var tier: Tier?
        for note in held {
            let old: Checkpoint
            do { old = try Checkpoint(note.text) } catch { throw PackageFinding(.incomplete, "the checkpoint that you hold", "\(error)") }
            try verified(note, old.origin, "the checkpoint that you hold")
            let what = "the checkpoint of \(old.size) leaves that you hold"
            guard let place = manifest.shards.firstIndex(where: { $0.origin.utf8.elementsEqual(old.origin.utf8) }) else {
                throw PackageFinding(.incomplete, what, "the package has nothing of the log \(old.origin)")
            }
            let shard = manifest.shards[place]
            guard old.size <= shard.size else {
                throw PackageFinding(.incomplete, what, "the package's checkpoint is older, with \(shard.size) leaves")
            }
            if let root = shards[place].roots[old.size] {
                guard root == old.root else {
                    throw PackageFinding(.tampered, what, "the package's tree had another root at that size: the record was rewritten")
                }
            } else if shard.held.contains(old.size) {
                try consistency(package, "proof/\(shard.shard)/consistency.\(old.size)", from: old, to: shard)
            } else if shard.start == old.size {
                try consistency(package, "proof/\(shard.shard)/consistency", from: old, to: shard)
            } else {
                throw PackageFinding(
                    .incomplete, what, "the package does not reach back to it; have it made with `cardea export … --held CHECKPOINT`")
            }
            tier = .tamperEvident(since: "your checkpoint of \(old.size) leaves", by: "the checkpoint that you hold")
        }
        return tier
    }

    /// That every file that was made of the lines is what they give.
    private func checkDerived(_ manifest: ExportManifest, _ derived: Derived) throws {
        guard derived.totals == manifest.totals else {
            throw PackageFinding(.tampered, ExportManifest.fileName, "its totals are not those of events.jsonl")
        }
        var expected: [String: [UInt8]] = [
            "events.csv": Array(derived.csv.finalize()), "ocsf.jsonl": Array(derived.ocsf.finalize()),
        ]
        func expect(_ path: String, _ bytes: [UInt8]) { expected[path] = Array(SHA256.hash(data: bytes)) }
        expect("report.json", CanonicalJSON.encode(.object(derived.totals.json)))
        expect("report.html", ExportReport.html(manifest))
        expect("oscal/assessment-results.json", ExportOSCAL.bytes(manifest))
        expect("VERIFY.md", Array(ExportInstructions.text(manifest).utf8))
        for file in manifest.files {
            guard let hash = expected[file.path] else { continue }
            guard Hexadecimal.encode(hash) == file.sha256 else {
                throw PackageFinding(.tampered, file.path, "it does not say what events.jsonl says")
            }
        }
    }
}
