import AuditEvents
import Crypto
import CryptoExtras

/// A password's hash with all that is needed to check it, in PHC string format.
///
/// `$scrypt$ln=17,r=8,p=1$salt$hash`, the last two in base64 without padding; and, to be replaced at the next sign-in,
/// `$pbkdf2-sha256$i=20000$salt$hash` with both in hex.
struct PasswordHash: Sendable, Equatable, CustomStringConvertible {
    enum Scheme: Sendable, Equatable {
        case scrypt(ScryptParameters)
        case pbkdf2(iterations: Int)
    }

    var scheme: Scheme
    var salt: [UInt8]
    var hash: [UInt8]

    /// A new hash of a password, under a salt of its own.
    init?(_ password: String, _ parameters: ScryptParameters) {
        (scheme, salt, hash) = (.scrypt(parameters), Secret.bytes(16), [])
        guard let derived = derive(password, count: 32) else { return nil }
        hash = derived
    }

    /// A hash that belongs to no password.
    init(decoy parameters: ScryptParameters) {
        (scheme, salt, hash) = (.scrypt(parameters), Secret.bytes(16), Secret.bytes(32))
    }

    /// From its text; nil where that is not in the one form, or asks for more than the bounds.
    init?(_ text: String) {
        guard text.utf8.count <= 512 else { return nil }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty else { return nil }
        let salt: [UInt8]?
        let hash: [UInt8]?
        switch String(decoding: parts[1], as: UTF8.self) {
        case "scrypt":
            guard let numbers = Self.numbers(parts[2], names: ["ln", "r", "p"]),
                let parameters = ScryptParameters(logCost: numbers[0], blockSize: numbers[1], parallelism: numbers[2])
            else { return nil }
            scheme = .scrypt(parameters)
            (salt, hash) = (StrictBase64.decode(parts[3], padded: false), StrictBase64.decode(parts[4], padded: false))
        case "pbkdf2-sha256":
            guard let numbers = Self.numbers(parts[2], names: ["i"]), (1...10_000_000).contains(numbers[0]) else { return nil }
            scheme = .pbkdf2(iterations: numbers[0])
            (salt, hash) = (Hexadecimal.decode(parts[3]), Hexadecimal.decode(parts[4]))
        default: return nil
        }
        guard let salt, let hash, (8...64).contains(salt.count), (16...64).contains(hash.count) else { return nil }
        (self.salt, self.hash) = (salt, hash)
    }

    var description: String {
        switch scheme {
        case .scrypt(let p):
            "$scrypt$ln=\(p.logCost),r=\(p.blockSize),p=\(p.parallelism)$\(StrictBase64.encode(salt))$\(StrictBase64.encode(hash))"
        case .pbkdf2(let iterations): "$pbkdf2-sha256$i=\(iterations)$\(Hexadecimal.encode(salt))$\(Hexadecimal.encode(hash))"
        }
    }

    /// Whether it is the hash of `password`, in a time that does not depend on how much of it is.
    func matches(_ password: String) -> Bool {
        guard let derived = derive(password, count: hash.count) else { return false }
        // HMAC pads its key with NULs, so that a password followed by some would be taken for it; none contains one.
        return Secret.equal(derived, hash) && !password.utf8.contains(0)
    }

    /// Whether a hash under `parameters` would be better.
    func isWeaker(than parameters: ScryptParameters) -> Bool {
        guard case .scrypt(let own) = scheme else { return true }
        return own.work < parameters.work || salt.count < 16 || hash.count < 32
    }

    private func derive(_ password: String, count: Int) -> [UInt8]? {
        let key: SymmetricKey?
        switch scheme {
        case .scrypt(let parameters):
            var bytes = Array(PasswordText.normalized(password).utf8)
            // No password is NUL: it stands for the empty one, which libraries refuse to hash.
            if bytes.isEmpty { bytes = [0] }
            key = try? KDF.Scrypt.deriveKey(
                from: bytes, salt: salt, outputByteCount: count, rounds: 1 << parameters.logCost, blockSize: parameters.blockSize,
                parallelism: parameters.parallelism)
        case .pbkdf2(let iterations):
            let bytes = Array(password.utf8)
            key = try? KDF.Insecure.PBKDF2.deriveKey(
                from: bytes.isEmpty ? [0] : bytes, salt: salt, using: .sha256, outputByteCount: count, unsafeUncheckedRounds: iterations)
        }
        return key.map { $0.withUnsafeBytes { Array($0) } }
    }

    /// `ln=17,r=8,p=1`: exactly these names in this order, decimal without leading zeros.
    private static func numbers(_ text: ArraySlice<UInt8>, names: [String]) -> [Int]? {
        let parts = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard parts.count == names.count else { return nil }
        var numbers: [Int] = []
        for (part, name) in zip(parts, names) {
            let digits = part.dropFirst(name.utf8.count + 1)
            guard part.starts(with: Array("\(name)=".utf8)), (1...8).contains(digits.count), digits.first != UInt8(ascii: "0"),
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(String(decoding: digits, as: UTF8.self))
            else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}
