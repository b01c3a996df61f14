import AuditEvents
import Crypto
import Dispatch
import Testing

@testable import AuditMiddleware

@Suite struct PasswordHashTests {
    static let cheap = PasswordHasher(parameters: .cheap, queueLimit: 1000)

    /// As the first version of the example kept passwords, by RFC 8018 §5.2 for a single block.
    static func pbkdf2(_ password: String, salt: [UInt8], iterations: Int) -> String {
        let key = SymmetricKey(data: Array(password.utf8))
        var link = Array(HMAC<SHA256>.authenticationCode(for: salt + [0, 0, 0, 1], using: key))
        var sum = link
        for _ in 1..<max(1, iterations) {
            link = Array(HMAC<SHA256>.authenticationCode(for: link, using: key))
            for place in sum.indices { sum[place] ^= link[place] }
        }
        return "$pbkdf2-sha256$i=\(iterations)$\(Hexadecimal.encode(salt))$\(Hexadecimal.encode(sum))"
    }

    @Test("a hash shows its parameters, has a salt of its own, and fits its password alone")
    func roundTrip() async throws {
        let hasher = Self.cheap
        let hash = try await hasher.hash("correct horse")
        #expect(hash.hasPrefix("$scrypt$ln=4,r=1,p=1$"))
        #expect(try await hasher.hash("correct horse") != hash)
        #expect(try await hasher.verify("correct horse", against: hash) == PasswordVerdict(matches: true, isOutdated: false))
        for wrong in ["", "correct hors", "correct horse ", "Correct horse", "correct\0horse", "correct horse\0"] {
            #expect(try await !hasher.verify(wrong, against: hash).matches)
        }
        #expect(PasswordHash(hash)?.description == hash)
    }

    @Test("the test vector of RFC 7914")
    func vector() throws {
        let bytes = try #require(
            Hexadecimal.decode(
                Array(
                    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
                        .utf8)))
        let text = "$scrypt$ln=14,r=8,p=1$\(StrictBase64.encode(Array("SodiumChloride".utf8)))$\(StrictBase64.encode(bytes))"
        let hash = try #require(PasswordHash(text))
        #expect(hash.matches("pleaseletmein"))
        #expect(!hash.matches("pleaseletmeout"))
    }

    @Test("the same text typed on two keyboards is the same password, another is another")
    func normalisation() async throws {
        let hash = try await Self.cheap.hash("caf\u{e9} au lait")
        #expect(try await Self.cheap.verify("cafe\u{301} au lait", against: hash).matches)
        #expect(try await !Self.cheap.verify("cafe au lait", against: hash).matches)
        #expect(try await !Self.cheap.verify("ｃafé au lait", against: hash).matches)
    }

    @Test("a PBKDF2 hash and a weaker scrypt hash still verify, and are to be replaced")
    func upgrade() async throws {
        let old = Self.pbkdf2("correct horse", salt: Array("0123456789abcdef".utf8), iterations: 1000)
        #expect(old.hasPrefix("$pbkdf2-sha256$i=1000$30313233343536373839616263646566$"))
        #expect(try await Self.cheap.verify("correct horse", against: old) == PasswordVerdict(matches: true, isOutdated: true))
        #expect(try await Self.cheap.verify("wrong", against: old) == PasswordVerdict(matches: false, isOutdated: false))
        let dearer = PasswordHasher(parameters: try #require(ScryptParameters(logCost: 5, blockSize: 1, parallelism: 1)))
        let cheap = try await Self.cheap.hash("correct horse")
        #expect(try await dearer.verify("correct horse", against: cheap).isOutdated)
        #expect(try await !Self.cheap.verify("correct horse", against: dearer.hash("correct horse")).isOutdated)
    }

    @Test("an unknown account, an unreadable hash and an old hash with a wrong password cost what a known one costs")
    func sameWork() async throws {
        let old = Self.pbkdf2("a", salt: Array("0123456789abcdef".utf8), iterations: 1)
        let hasher = PasswordHasher(parameters: .cheap)
        let known = try await hasher.hash("a")
        for hash in [nil, "garbage", old, known, ""] {
            let before = hasher.hashesDone
            #expect(try await !hasher.verify("wrong", against: hash).matches)
            #expect(hasher.hashesDone == before + 1)
        }
    }

    @Test(
        "what is no hash in the one form matches nothing and costs no memory",
        arguments: [
            "", "$", "$$$$", "scrypt", "$scrypt", "$scrypt$", "$scrypt$ln=4,r=1,p=1", "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$scrypt$ln=4,r=1,p=1$$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=31,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=20,r=16,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=0,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=-1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=04,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=99999999$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=99999999999999999999,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$r=1,ln=4,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4;r=1;p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAB$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAA-AAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=4,r=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$SCRYPT$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            " $scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA\n",
            "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$",
            "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$2b$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=0$3031323334353637$30313233343536373031323334353637",
            "$pbkdf2-sha256$i=99999999$3031323334353637$30313233343536373031323334353637",
            "$pbkdf2-sha256$i=1$30313233343536zz$30313233343536373031323334353637",
            "$pbkdf2-sha256$i=1$303132333435363$30313233343536373031323334353637", "$pbkdf2-sha256$i=1$3031323334353637$",
            "$pbkdf2-sha256$1$3031323334353637$30313233343536373031323334353637", "plaintext password",
            String(repeating: "$", count: 10_000),
            "$scrypt$ln=4,r=1,p=1$" + String(repeating: "A", count: 10_000) + "$AAAA",
        ])
    func malformed(_ text: String) async throws {
        #expect(PasswordHash(text) == nil)
        #expect(try await !Self.cheap.verify(text, against: text).matches)
    }

    @Test("no more are hashed at once than may be, no more wait than may, and who leaves makes room")
    func bounds() async throws {
        let queue = HashingQueue(concurrency: 2, limit: 3)
        let gates = (0..<2).map { _ in BlockingGate() }
        let running = gates.map { gate in Task { try await queue.run { gate.pass() } } }
        while queue.occupancy.running < 2 { await Task.yield() }
        let waiting = (0..<3).map { number in Task { try await queue.run { number } } }
        while queue.occupancy.waiting < 3 { await Task.yield() }
        #expect(queue.isFull)
        await #expect(throws: PasswordHashingBusy.self) { try await queue.run {} }
        waiting[1].cancel()
        await #expect(throws: CancellationError.self) { try await waiting[1].value }
        #expect(!queue.isFull)
        #expect(queue.occupancy == (2, 2))
        for gate in gates { gate.open() }
        for task in running { try await task.value }
        #expect(try await waiting[0].value == 0)
        #expect(try await waiting[2].value == 2)
        while queue.occupancy.running > 0 { await Task.yield() }
        let left = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await queue.run { 1 }
        }
        await #expect(throws: CancellationError.self) { try await left.value }
        #expect(queue.occupancy == (0, 0))
    }
}

/// Holds the thread of a hash until it is opened.
final class BlockingGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func pass() { semaphore.wait() }
    func open() { semaphore.signal() }
}
