import AuditTesting
import ConformanceTesting
import Crypto
import Testing

@testable import TransparencyLog

@Suite("Notes, checkpoints and keys")
struct NoteTests {
    /// The example of C2SP's signed-note.
    static let published = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """
    static let publishedKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

    private func signer(_ name: String = "log.example/1", seed: UInt8 = 1, _ algorithm: NoteVerifier.Algorithm = .ed25519) throws
        -> NoteSigner
    {
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: seed, count: 32))
        return try #require(NoteSigner(name: name, key: key, algorithm: algorithm))
    }

    @Test("the published note is verified by the published key")
    func published() throws {
        let key = try NoteVerifier(Self.publishedKey)
        #expect(key.text == Self.publishedKey)
        let note = try SignedNote(Array(Self.published.utf8))
        #expect(try note.verified(by: [key]).map(\.key) == [key])
        #expect(note.bytes == Array(Self.published.utf8))
    }

    @Test("what was signed verifies, whoever else signed; changed in any byte it does not")
    func signing() throws {
        let (ours, other, witness) = (try signer(), try signer("other", seed: 2), try signer("witness", seed: 3, .cosignature))
        let checkpoint = Checkpoint(origin: "log.example/1", size: 7, root: .leaf([7]))
        var note = SignedNote(text: checkpoint.text)
        note.signatures = [try other.sign(note.text), try ours.sign(note.text), try witness.sign(note.text, at: 1_795_000_000)]
        let keys = [ours.verifier, witness.verifier]
        let parsed = try SignedNote(note.bytes)
        #expect(parsed == note)
        let verified = try parsed.verified(by: keys)
        #expect(verified.map(\.key) == keys && NoteVerifier.time(of: verified[1].signature.bytes) == 1_795_000_000)
        #expect(try Checkpoint(parsed, by: keys) == checkpoint)
        #expect(throws: NoteError.self) { try parsed.verified(by: []) }
        for place in note.bytes.indices {
            var bytes = note.bytes
            bytes[place] ^= 1
            let isOthers = (try? SignedNote(bytes)).flatMap { changed in
                try? changed.verified(by: keys).count == keys.count && changed.text == note.text
                    && changed.signatures.dropFirst() == note.signatures.dropFirst()
            }
            // Only a signature that nobody knows may change.
            if (try? SignedNote(bytes).verified(by: keys).count) == 2 { #expect(isOthers == true, "byte \(place)") }
        }
    }

    @Test("a key's texts are read back, and faults are told without the secret")
    func keys() throws {
        let signer = try signer()
        #expect(try NoteSigner(signer.secretText).verifier == signer.verifier)
        #expect(try NoteVerifier(signer.verifier.text) == signer.verifier)
        #expect(!"\(signer)".contains(signer.secretText.split(separator: "+")[4]))
        let text = signer.verifier.text
        for bad in [
            "", "a", "a+b+c", text + "=", text.replacing("+f5", with: "+f6"), text.uppercased(), " " + text,
            text.replacing("log", with: "lag"),
            signer.secretText,
        ] {
            #expect(throws: NoteError.self, "\(bad)") { try NoteVerifier(bad) }
        }
        let secret = signer.secretText
        let error = #expect(throws: NoteError.self) { try NoteSigner(secret + "x") }
        #expect(error.map { !"\($0)".contains(secret.suffix(20)) } == true)
        #expect(
            NoteSigner(name: "a b") == nil && NoteSigner(name: "a+b") == nil && NoteSigner(name: "") == nil
                && NoteSigner(name: "a\u{2003}b") == nil)
    }

    @Test(
        "what is no note is refused",
        arguments: [
            "", "\n", "text\n", "text\n\n", "text\n\n— name\n", "text\n\n— name AAAA\n", "text\n\n- name AAAAAAAA\n",
            "text\n\n— na me AAAAAAAA\n",
            "text\n\n— name AAAAAAAA", "text\r\n\r\n— name AAAAAAAA\r\n", "te\u{0}xt\n\n— name AAAAAAAA\n", "text\n\n— name AAAAAAAB=\n",
            "text\n\n— n+m AAAAAAAA\n",
            "text\n\n\u{2014}  AAAAAAAA\n", "text\n— name AAAAAAAA\n",
        ])
    func malformed(text: String) {
        #expect(throws: NoteError.self) { try SignedNote(Array(text.utf8)) }
    }

    @Test("a note holds at least 16 signatures and no end of them")
    func many() throws {
        let signature = SignedNote.Signature(name: "n", keyID: [1, 2, 3, 4], bytes: [5])
        for (count, isRead) in [(16, true), (100, true), (101, false)] {
            let note = SignedNote(text: "text\n", signatures: Array(repeating: signature, count: count))
            #expect(((try? SignedNote(note.bytes)) != nil) == isRead)
        }
        #expect(throws: NoteError.self) { try SignedNote([UInt8](repeating: 0x0a, count: SignedNote.maximumBytes + 1)) }
    }

    @Test(
        "what is no checkpoint is refused",
        arguments: [
            "o\n1\n", "o\n1\nAAAA\n", "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "o\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "o\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "o\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        ])
    func noCheckpoint(text: String) { #expect(throws: NoteError.self) { try Checkpoint(text) } }

    @Test("a proof that stands by itself is verified with a key alone, and nothing in it can be changed")
    func document() throws {
        let tree = DefinedTree(21)
        let signer = try signer()
        let checkpoint = Checkpoint(origin: "log.example/1", size: 21, root: tree.root(0, 21))
        let note = SignedNote(text: checkpoint.text, signatures: [try signer.sign(checkpoint.text)])
        let document = InclusionDocument(
            index: 13, proof: try #require(ProofPlan.inclusion(of: 13, in: 21)).compactMap { $0.hash(tree.node) }, checkpoint: note)
        #expect(try InclusionDocument(document.bytes) == document)
        #expect(try document.verified(leaf: tree.leaves[13], by: [signer.verifier]) == checkpoint)
        #expect(throws: NoteError.self) { try document.verified(leaf: tree.leaves[12], by: [signer.verifier]) }
        for place in document.bytes.indices {
            var bytes = document.bytes
            bytes[place] ^= 1
            #expect(throws: NoteError.self, "byte \(place)") {
                try InclusionDocument(bytes).verified(leaf: tree.leaves[13], by: [signer.verifier])
            }
        }
    }
}
