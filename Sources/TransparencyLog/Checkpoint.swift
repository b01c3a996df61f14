/// What a log commits to: its name, how many leaves it has, and their root (C2SP tlog-checkpoint).
public struct Checkpoint: Sendable, Hashable {
    public var origin: String
    public var size: UInt64
    public var root: MerkleHash

    public init(origin: String, size: UInt64, root: MerkleHash) { (self.origin, self.size, self.root) = (origin, size, root) }

    /// What is signed.
    public var text: String { "\(origin)\n\(size)\n\(root)\n" }

    /// Reads the text of a note; lines behind the root, which are others' extensions, are left alone.
    ///
    /// - Throws: `NoteError` with `.malformed`.
    public init(_ text: String) throws(NoteError) {
        let lines = Array(text.utf8).split(separator: 0x0a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 4, lines[lines.count - 1].isEmpty, !lines[0].isEmpty, !lines.dropLast().dropFirst(3).contains("") else {
            throw NoteError(.malformed, "a checkpoint is an origin, a size and a root, a line each")
        }
        guard let size = UInt64(lines[1]), String(size).utf8.elementsEqual(lines[1].utf8) else {
            throw NoteError(.malformed, "a checkpoint whose size is no number")
        }
        guard let root = MerkleHash(base64: lines[2]) else { throw NoteError(.malformed, "a checkpoint whose root is no hash") }
        self.init(origin: lines[0], size: size, root: root)
    }

    /// A checkpoint that a key of the log signed, whose name is the origin.
    ///
    /// - Throws: `NoteError`; see `SignedNote`.
    public init(_ note: SignedNote, by keys: [NoteVerifier]) throws(NoteError) {
        _ = try note.verified(by: keys)
        try self.init(note.text)
    }
}

/// A proof that stands by itself (C2SP tlog-proof): where a leaf is, and the checkpoint that it is in.
public struct InclusionDocument: Sendable, Hashable {
    public var index: UInt64
    public var proof: [MerkleHash]
    public var checkpoint: SignedNote
    /// What an application adds; Cardea the leaf's data.
    public var extra: [UInt8]?

    private static let header = "c2sp.org/tlog-proof@v1"

    public init(index: UInt64, proof: [MerkleHash], checkpoint: SignedNote, extra: [UInt8]? = nil) {
        (self.index, self.proof, self.checkpoint, self.extra) = (index, proof, checkpoint, extra)
    }

    public var bytes: [UInt8] {
        let lines =
            [Self.header] + (extra.map { ["extra " + Base64.encode($0)] } ?? []) + ["index \(index)"] + proof.map(\.description)
        return Array((lines.joined(separator: "\n") + "\n\n").utf8) + checkpoint.bytes
    }

    /// - Throws: `NoteError` with `.malformed`.
    public init(_ bytes: some Collection<UInt8>) throws(NoteError) {
        let bytes = Array(bytes)
        guard let blank = bytes.indices.dropLast().first(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a }) else {
            throw NoteError(.malformed, "a proof without an empty line before its checkpoint")
        }
        var lines = bytes[..<blank].split(separator: 0x0a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }[
            ...]
        guard let first = lines.popFirst(), first.utf8.elementsEqual(Self.header.utf8) else {
            throw NoteError(.malformed, "a proof begins with \(Self.header)")
        }
        extra = nil
        if let line = lines.first, line.hasPrefix("extra ") {
            guard let data = Base64.decode(line.dropFirst(6)) else { throw NoteError(.malformed, "the extra data is not Base64") }
            extra = data
            lines.removeFirst()
        }
        guard let line = lines.popFirst(), line.hasPrefix("index "), let index = UInt64(line.dropFirst(6)),
            String(index).utf8.elementsEqual(line.utf8.dropFirst(6)), lines.count <= MerkleProof.maximumLength
        else { throw NoteError(.malformed, "a proof names the leaf's index, and then at most \(MerkleProof.maximumLength) hashes") }
        self.index = index
        proof = []
        for line in lines {
            guard let hash = MerkleHash(base64: line) else { throw NoteError(.malformed, "a line of the proof is no hash") }
            proof.append(hash)
        }
        checkpoint = try SignedNote(bytes[(blank + 2)...])
    }

    /// The checkpoint, where a known key signed it and the leaf is in its tree.
    ///
    /// - Throws: `NoteError`.
    public func verified(leaf: MerkleHash, by keys: [NoteVerifier]) throws(NoteError) -> Checkpoint {
        let checkpoint = try Checkpoint(checkpoint, by: keys)
        guard MerkleProof.verifiesInclusion(of: leaf, at: index, in: checkpoint.size, root: checkpoint.root, proof: proof) else {
            throw NoteError(.wrongSignature, "the leaf is not in the tree of the checkpoint at \(index)")
        }
        return checkpoint
    }
}
