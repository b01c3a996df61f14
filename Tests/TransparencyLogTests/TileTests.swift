import AuditTesting
import ConformanceTesting
import Testing

@testable import TransparencyLog

@Suite("Tiles")
struct TileTests {
    @Test(
        "a tile's path is that of the specification, and no other text is a path",
        arguments: [
            (Tile(.hashes(level: 0), 0), "tile/0/000"), (Tile(.hashes(level: 0), 1_234_067), "tile/0/x001/x234/067"),
            (Tile(.entries, 273, count: 5), "tile/entries/273.p/5"), (Tile(.hashes(level: 3), 1000, count: 255), "tile/3/x001/000.p/255"),
        ])
    func paths(tile: Tile, path: String) {
        #expect(tile.path == path && Tile(path: path) == tile)
    }

    @Test(arguments: [
        "", "tile", "tile/0", "tile/0/0", "tile/0/0000", "tile/0/x000/000", "tile/8/000", "tile/00/000", "tile/-1/000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/05", "tile/0/001/234", "tile/0/x001/x234", "/tile/0/000", "tile/0/000/", "tile/0/../000",
        "tile/entries/00a",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/٠٠٠",
    ])
    func noPaths(path: String) { #expect(Tile(path: path) == nil) }

    @Test("every tree is covered by tiles that are made once, however it grew")
    func growth() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let new = UInt64.random(in: 1...200_000, using: &random)
            let old = UInt64.random(in: 0..<new, using: &random)
            let tiles = Tile.new(from: old, to: new)
            #expect(Set(tiles).count == tiles.count)
            // Together with those of before: the complete ones, and one that is not at the right edge of each level.
            let all = Set(Tile.new(from: 0, to: old) + tiles)
            for tile in Tile.new(from: 0, to: new) { #expect(all.contains(tile), "\(old) to \(new): \(tile.path)") }
            for tile in tiles where tile.count < Tile.width { #expect(tile.kind == .entries || tile.nodes.count == tile.count) }
        }
    }

    @Test("entries and hashes come back as they were; what is cut or goes on is refused")
    func contents() throws {
        let entries: [[UInt8]] = [[], [1], Array(repeating: 7, count: 65_535), Array("é".utf8)]
        let bytes = try #require(Tile.encode(entries: entries))
        #expect(Tile(.entries, 0, count: 4).entries(bytes) == entries)
        #expect(Tile(.entries, 0, count: 3).entries(bytes) == nil && Tile(.entries, 0, count: 4).entries(bytes.dropLast()) == nil)
        #expect(
            Tile(.entries, 0, count: 4).entries(bytes + [0]) == nil && Tile.encode(entries: [Array(repeating: 0, count: 65_536)]) == nil)
        let hashes = (0..<5).map { MerkleHash.leaf([UInt8($0)]) }
        #expect(Tile(.hashes(level: 0), 0, count: 5).hashes(Tile.encode(hashes)) == hashes)
        #expect(Tile(.hashes(level: 0), 0, count: 4).hashes(Tile.encode(hashes)) == nil)
    }

    /// A log of others with its checkpoints of every size.
    @Test("a published log's checkpoints, tiles and entries agree", .enabled(if: ConformanceData.isPresent, "no data of others"))
    func published() throws {
        let key = try NoteVerifier("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
        var frontier = TreeFrontier()
        var known: [TreeNode: MerkleHash] = [:]
        var checkpoints: [Checkpoint] = []
        for size in UInt64(0)...15 {
            let note = try SignedNote(ConformanceData.bytes("tlog-tiles/checkpoint.\(size)"))
            #expect(note.bytes == (try ConformanceData.bytes("tlog-tiles/checkpoint.\(size)")))
            let checkpoint = try Checkpoint(note, by: [key])
            #expect(checkpoint.size == size && checkpoint.text == note.text)
            if size > 0 {
                let tile = Tile(.hashes(level: 0), 0, count: Int(size))
                let hashes = try #require(tile.hashes(try ConformanceData.bytes("tlog-tiles/" + tile.path)))
                let bundle = Tile(.entries, 0, count: Int(size))
                let entries = try #require(bundle.entries(try ConformanceData.bytes("tlog-tiles/" + bundle.path)))
                #expect(entries.map { MerkleHash.leaf($0) } == hashes)
                for (node, hash) in frontier.append(try #require(hashes.last)) { known[node] = hash }
            }
            #expect(frontier.root == checkpoint.root)
            for old in checkpoints {
                let proof = try #require(ProofPlan.consistency(from: old.size, to: size)).compactMap { $0.hash { known[$0] } }
                #expect(MerkleProof.verifiesConsistency(from: old.size, root: old.root, to: size, root: checkpoint.root, proof: proof))
            }
            checkpoints.append(checkpoint)
        }
    }
}
