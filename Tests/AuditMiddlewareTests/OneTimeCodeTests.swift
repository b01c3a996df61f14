import AuditEvents
import Testing

@testable import AuditMiddleware

@Suite struct OneTimeCodeTests {
    static let seed = Array("1234567890".utf8)
    static func secret(_ count: Int) -> [UInt8] { (0..<count).map { seed[$0 % 10] } }

    @Test("the values of RFC 4226, appendix D")
    func hotp() {
        let expected: [UInt32] = [755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489]
        for (counter, value) in expected.enumerated() {
            #expect(OneTimeCodeAlgorithm.sha1.value(secret: Self.secret(20), counter: Int64(counter), digits: 6) == value)
        }
    }

    @Test("the values of RFC 6238, appendix B")
    func totp() throws {
        let times: [Int64] = [59, 1_111_111_109, 1_111_111_111, 1_234_567_890, 2_000_000_000, 20_000_000_000]
        let expected: [(OneTimeCodeAlgorithm, Int, [String])] = [
            (.sha1, 20, ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"]),
            (.sha256, 32, ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]),
            (.sha512, 64, ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"]),
        ]
        for (algorithm, count, codes) in expected {
            let secret = try #require(OneTimeCodeSecret(secret: Self.secret(count), algorithm: algorithm, digits: 8))
            #expect(times.map(secret.code) == codes)
        }
    }

    @Test("a code holds a step before and after its own, and no used one nor one before it again")
    func window() throws {
        let secret = try #require(OneTimeCodeSecret(secret: Self.secret(20)))
        let code = secret.code(at: 3000)
        for seconds: Int64 in [2970, 2999, 3000, 3029, 3030, 3059] { #expect(secret.counter(of: code, at: seconds, after: -1) == 100) }
        for seconds: Int64 in [0, 2969, 3060, 9000, -5] { #expect(secret.counter(of: code, at: seconds, after: -1) == nil) }
        #expect(secret.counter(of: code, at: 3000, after: 99) == 100)
        #expect(secret.counter(of: code, at: 3000, after: 100) == nil)
        #expect(secret.counter(of: secret.code(at: 10), at: 5, after: -1) == 0)
    }

    @Test("codes that are none are refused")
    func malformed() throws {
        let secret = try #require(OneTimeCodeSecret(secret: Self.secret(20)))
        let code = secret.code(at: 3000)
        for typed in [
            "", " ", "0", String(code.dropLast()), code + "0", "0" + code, code + " ", code + "\n", "-" + code, "+" + code, "٠١٢٣٤٥",
            "１２３４５６", "abcdef", "0x1234",
            "1e5", String(repeating: "1", count: 100_000), code + "\0", "\u{301}" + code,
        ] {
            #expect(secret.counter(of: typed, at: 3000, after: -1) == nil, "\(typed.prefix(20))")
        }
    }

    @Test("bounds of a secret are kept")
    func bounds() {
        #expect(OneTimeCodeSecret(secret: Self.secret(15)) == nil)
        #expect(OneTimeCodeSecret(secret: Self.secret(129)) == nil)
        for digits in [-1, 0, 5, 9, 20] { #expect(OneTimeCodeSecret(secret: Self.secret(20), digits: digits) == nil) }
        for period in [-30, 0, 9, 301] { #expect(OneTimeCodeSecret(secret: Self.secret(20), periodSeconds: period) == nil) }
        #expect(OneTimeCodeSecret.random() != OneTimeCodeSecret.random())
    }

    @Test("what a QR code contains cannot be added to by names")
    func uri() throws {
        let secret = try #require(OneTimeCodeSecret(secret: Self.secret(20)))
        #expect(
            secret.uri(issuer: "The Shop", account: "ann@example.org")
                == "otpauth://totp/The%20Shop:ann%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=The%20Shop&algorithm=SHA1&digits=6&period=30"
        )
        let hostile = secret.uri(issuer: "x&secret=AAAA", account: "?secret=B#\u{e9}\n:")
        #expect(hostile.split(separator: "secret=").count == 2)
        #expect(hostile.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
    }

    @Test("base32 has one text for one sequence of bytes")
    func base32() throws {
        for (bytes, text) in [
            ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI"),
        ] {
            #expect(Base32.encode(Array(bytes.utf8)) == text)
            #expect(Base32.decode(Array(text.utf8)) == Array(bytes.utf8))
        }
        for text in ["M", "MZX", "MZXW6Y", "MZ", "my", "MY======", "MY ", "M1", "M8", "M0", "MZXW6YT\0", "МY", "MZXR"] {
            #expect(Base32.decode(Array(text.utf8)) == nil, "\(text)")
        }
        for count in 0..<70 {
            let bytes = Secret.bytes(count)
            #expect(Base32.decode(Array(Base32.encode(bytes).utf8)) == bytes)
        }
    }

    @Test("what is sealed opens under its key, for its purpose and owner alone")
    func sealing() throws {
        let (first, second) = (Secret.bytes(32), Secret.bytes(32))
        let sealer = try #require(SecretSealer(key: first))
        let sealed = try #require(sealer.seal([1, 2, 3], purpose: "totp", owner: "ann"))
        #expect(sealer.open(sealed, purpose: "totp", owner: "ann") == [1, 2, 3])
        #expect(sealer.seal([1, 2, 3], purpose: "totp", owner: "ann") != sealed)
        #expect(sealer.open(sealed, purpose: "totp", owner: "bob") == nil)
        #expect(sealer.open(sealed, purpose: "enrolment", owner: "ann") == nil)
        #expect(SecretSealer(key: second)?.open(sealed, purpose: "totp", owner: "ann") == nil)
        #expect(SecretSealer(key: second, former: [first])?.open(sealed, purpose: "totp", owner: "ann") == [1, 2, 3])
        #expect(SecretSealer(key: Secret.bytes(31)) == nil)
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(sealer.open(changed, purpose: "totp", owner: "ann") == nil)
            #expect(sealer.open(Array(sealed.prefix(place)), purpose: "totp", owner: "ann") == nil)
        }
        #expect(sealer.open([], purpose: "totp", owner: "ann") == nil)
    }

    @Test("recovery codes are judged by their keyed hash, however they are typed, and a used one is none")
    func recovery() throws {
        let factor = SecondFactor(sealer: try #require(SecretSealer(key: Secret.bytes(32))))
        let secret = OneTimeCodeSecret.random()
        let made = try #require(factor.make(secret, usedCounter: 7, owner: "ann"))
        #expect(made.recoveryCodes.count == 10)
        #expect(Set(made.recoveryCodes).count == 10)
        #expect(!made.stored.sealed.starts(with: secret.secret))
        let code = made.recoveryCodes[3]
        for typed in [code, code.lowercased(), code.replacing("-", with: ""), code.replacing("-", with: " ")] {
            guard case .recoveryCode(let hash) = factor.judge(typed, made.stored, owner: "ann", at: 0) else {
                Issue.record("\(typed) is refused")
                continue
            }
            #expect(hash == made.stored.recoveryCodes[3])
        }
        for typed in [
            "AAAA-AAAA-AAAA-AAAA", String(code.dropLast()), code + "A", "", String(repeating: "-", count: 1000), "----------------",
        ] {
            guard case .refused = factor.judge(typed, made.stored, owner: "ann", at: 0) else {
                Issue.record("\(typed) is accepted")
                continue
            }
        }
        guard case .refused = factor.judge(code, made.stored, owner: "bob", at: 0) else {
            Issue.record("another's code is accepted")
            return
        }
        guard case .refused("code_reused") = factor.judge(secret.code(at: 210), made.stored, owner: "ann", at: 210) else {
            Issue.record("a used code is accepted")
            return
        }
    }
}
