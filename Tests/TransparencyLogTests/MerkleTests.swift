import AuditTesting
import ConformanceTesting
import Foundation
import Testing

@testable import TransparencyLog

/// A tree by RFC 9162's definition, word for word.
struct DefinedTree {
    let leaves: [MerkleHash]

    init(_ count: Int, seed: Int = 0) { leaves = (0..<count).map { MerkleHash.leaf("leaf \(seed) \($0)".utf8) } }

    func root(_ first: Int, _ end: Int) -> MerkleHash {
        if end - first == 0 { return .empty }
        if end - first == 1 { return leaves[first] }
        var k = 1
        while k * 2 < end - first { k *= 2 }
        return .node(root(first, first + k), root(first + k, end))
    }

    func node(_ node: TreeNode) -> MerkleHash? {
        let first = Int(node.index) << node.level
        return first + 1 << node.level > leaves.count ? nil : root(first, first + 1 << node.level)
    }

    func path(_ m: Int, _ first: Int, _ end: Int) -> [MerkleHash] {
        let n = end - first
        if n == 1 { return [] }
        var k = 1
        while k * 2 < n { k *= 2 }
        return m < k
            ? path(m, first, first + k) + [root(first + k, end)] : path(m - k, first + k, end) + [root(first, first + k)]
    }
}

@Suite("The tree and its proofs")
struct MerkleTests {
    @Test("every leaf of every small tree is proved by what the plan names, at its place and nowhere else")
    func inclusion() throws {
        for size in 1...40 {
            let tree = DefinedTree(size)
            let root = tree.root(0, size)
            for index in 0..<size {
                let plan = try #require(ProofPlan.inclusion(of: UInt64(index), in: UInt64(size)))
                let proof = plan.compactMap { $0.hash(tree.node) }
                #expect(proof == tree.path(index, 0, size))
                for place in 0..<size {
                    let holds = MerkleProof.verifiesInclusion(
                        of: tree.leaves[index], at: UInt64(place), in: UInt64(size), root: root, proof: proof)
                    #expect(holds == (place == index), "\(index) at \(place) of \(size)")
                }
                for bad in [Array(proof.dropLast()), proof + [root], proof.reversed()] where bad != proof {
                    #expect(
                        !MerkleProof.verifiesInclusion(of: tree.leaves[index], at: UInt64(index), in: UInt64(size), root: root, proof: bad))
                }
            }
            #expect(ProofPlan.inclusion(of: UInt64(size), in: UInt64(size)) == nil)
        }
    }

    @Test("every tree is the beginning of every later one, and of none that differs")
    func consistency() throws {
        let (tree, other) = (DefinedTree(40), DefinedTree(40, seed: 1))
        for new in 1...40 {
            for old in 1...new {
                let plan = try #require(ProofPlan.consistency(from: UInt64(old), to: UInt64(new)))
                let proof = plan.compactMap { $0.hash(tree.node) }
                #expect(proof.count == plan.count)
                func holds(_ a: MerkleHash, _ b: MerkleHash, _ proof: [MerkleHash]) -> Bool {
                    MerkleProof.verifiesConsistency(from: UInt64(old), root: a, to: UInt64(new), root: b, proof: proof)
                }
                #expect(holds(tree.root(0, old), tree.root(0, new), proof), "\(old) to \(new)")
                #expect(!holds(other.root(0, old), tree.root(0, new), proof) && !holds(tree.root(0, old), other.root(0, new), proof))
                for place in proof.indices {
                    var bad = proof
                    bad[place] = .leaf([1])
                    #expect(!holds(tree.root(0, old), tree.root(0, new), bad))
                    bad.remove(at: place)
                    #expect(!holds(tree.root(0, old), tree.root(0, new), bad))
                }
                #expect(!holds(tree.root(0, old), tree.root(0, new), proof + [.empty]))
            }
        }
        #expect(ProofPlan.consistency(from: 5, to: 4) == nil && ProofPlan.consistency(from: 0, to: 9) == [])
    }

    @Test("a frontier that leaves are appended to has the root of the definition, and gives each complete subtree once")
    func frontier() throws {
        let tree = DefinedTree(300)
        var frontier = TreeFrontier()
        var known: [TreeNode: MerkleHash] = [:]
        #expect(frontier.root == .empty)
        for (place, leaf) in tree.leaves.enumerated() {
            for (node, hash) in frontier.append(leaf) {
                #expect(known.updateValue(hash, forKey: node) == nil)
            }
            #expect(frontier.root == tree.root(0, place + 1))
            let stored = TreeFrontier.nodes(size: frontier.size).compactMap { known[$0] }
            #expect(TreeFrontier(size: frontier.size, hashes: stored) == frontier)
        }
        for (node, hash) in known { #expect(tree.node(node) == hash) }
        #expect(TreeFrontier(size: 3, hashes: [.empty]) == nil)
    }

    @Test("proofs of trees of any size are planned without a walk over them")
    func large() throws {
        for (index, size) in [(UInt64(0), UInt64.max), (.max - 1, .max), (1 << 62, 1 << 63), (12345, 1 << 40 + 7)] {
            let plan = try #require(ProofPlan.inclusion(of: index, in: size))
            #expect(plan.count <= 64 && plan.allSatisfy { $0.nodes.count <= 64 })
        }
        #expect(try #require(ProofPlan.consistency(from: 1 << 40 - 1, to: .max)).count <= 65)
    }

    private struct Inclusion: Decodable {
        var leafIdx: UInt64, treeSize: UInt64
        var root: String, leafHash: String?
        var proof: [String]?
        var wantErr: Bool
    }

    private struct Consistency: Decodable {
        var size1: UInt64, size2: UInt64
        var root1: String, root2: String
        var proof: [String]?
        var wantErr: Bool
    }

    private func vectors<V: Decodable>(_ folder: String, _: V.Type) throws -> [(name: String, vector: V)] {
        let base = URL(filePath: ConformanceData.folder + "/merkle/" + folder)
        let files = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "json" }.map { file in
            (file.path, try JSONDecoder().decode(V.self, from: Data(contentsOf: file)))
        }
    }

    @Test("the published inclusion proofs hold or do not as they say", .enabled(if: ConformanceData.isPresent, "no data of others"))
    func publishedInclusion() throws {
        let found = try vectors("inclusion", Inclusion.self)
        for (name, vector) in found {
            var holds = false
            if let leaf = vector.leafHash.flatMap({ MerkleHash(base64: $0) }), let root = MerkleHash(base64: vector.root) {
                let proof = (vector.proof ?? []).map { MerkleHash(base64: $0) }
                holds =
                    !proof.contains(nil)
                    && MerkleProof.verifiesInclusion(
                        of: leaf, at: vector.leafIdx, in: vector.treeSize, root: root, proof: proof.compactMap(\.self))
            }
            #expect(holds != vector.wantErr, "\(name)")
        }
        #expect(found.count > 50)
    }

    @Test("the published consistency proofs hold or do not as they say", .enabled(if: ConformanceData.isPresent, "no data of others"))
    func publishedConsistency() throws {
        let found = try vectors("consistency", Consistency.self)
        for (name, vector) in found {
            // One has hashes of 12 bytes, which this type does not hold.
            if name.contains("sizes-are-equal-one-and-proof-is-empty") { continue }
            var holds = false
            if let first = MerkleHash(base64: vector.root1), let second = MerkleHash(base64: vector.root2) {
                let proof = (vector.proof ?? []).map { MerkleHash(base64: $0) }
                holds =
                    !proof.contains(nil)
                    && MerkleProof.verifiesConsistency(
                        from: vector.size1, root: first, to: vector.size2, root: second, proof: proof.compactMap(\.self))
            }
            #expect(holds != vector.wantErr, "\(name)")
        }
        #expect(found.count > 50)
    }
}
