import AuditEvents
import Crypto
import NIOPosix

/// Passwords as PBKDF2-HMAC-SHA-256 hashes: `$pbkdf2-sha256$i=20000$salt$hash`, the last two in hex.
///
/// The default of 20,000 iterations keeps a demonstration quick; OWASP's advice for real accounts is 600,000, or better scrypt.
public struct PBKDF2Passwords: PasswordVerifier {
    public let iterations: Int
    /// What unknown accounts are verified against.
    private let decoy: String

    public init(iterations: Int = 20_000) {
        self.iterations = max(1, iterations)
        decoy = Self.text(iterations: self.iterations, salt: Self.randomBytes(16), hash: Self.randomBytes(32))
    }

    public func hash(_ password: String) async throws -> String {
        let (iterations, salt, password) = (iterations, Self.randomBytes(16), Array(password.utf8))
        // Threads of their own: this takes milliseconds, which neither an event loop nor the cooperative pool has to spare.
        let hash = try await NIOThreadPool.singleton.runIfActive {
            PBKDF2.derive(password: password, salt: salt, iterations: iterations, length: 32)
        }
        return Self.text(iterations: iterations, salt: salt, hash: hash)
    }

    public func verify(_ password: String, against hash: String?) async throws -> Bool {
        let password = Array(password.utf8)
        guard let expected = Self.parse(hash ?? decoy) else { return false }
        let actual = try await NIOThreadPool.singleton.runIfActive {
            PBKDF2.derive(password: password, salt: expected.salt, iterations: expected.iterations, length: expected.hash.count)
        }
        let difference = zip(actual, expected.hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 && hash != nil
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in generator.next() }
    }

    private static func text(iterations: Int, salt: [UInt8], hash: [UInt8]) -> String {
        "$pbkdf2-sha256$i=\(iterations)$\(Hexadecimal.encode(salt))$\(Hexadecimal.encode(hash))"
    }

    private static func parse(_ text: String) -> (iterations: Int, salt: [UInt8], hash: [UInt8])? {
        let parts = text.split(separator: "$")
        guard parts.count == 4, parts[0] == "pbkdf2-sha256", parts[1].hasPrefix("i="), let iterations = Int(parts[1].dropFirst(2)),
            iterations > 0,
            let salt = Hexadecimal.decode(parts[2].utf8), let hash = Hexadecimal.decode(parts[3].utf8), !hash.isEmpty
        else { return nil }
        return (iterations, salt, hash)
    }
}
