import Crypto
import Foundation

/// Passwords that guessers try first.
public struct CommonPasswords: Sendable {
    /// The first eight bytes of each one's SHA-256, sorted: 8 bytes an entry, whatever its length.
    private let hashes: [UInt64]

    /// A few hundred that are known everywhere.
    public static let builtIn = CommonPasswords(CommonPasswords.wellKnown.split { $0.isWhitespace }.map(String.init))

    public init(_ passwords: some Sequence<String>) {
        hashes = Set(passwords.map(Self.hash)).sorted()
    }

    /// The built-in ones and those of a file: UTF-8, one a line, at most 64 MiB.
    /// - Throws: where the file cannot be read, or is not that.
    public init(file path: String) throws {
        struct Unusable: Error, CustomStringConvertible {
            var description: String
        }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        guard size <= 64 << 20 else { throw Unusable(description: "the list of common passwords is larger than 64 MiB") }
        guard let text = String(validating: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self) else {
            throw Unusable(description: "the list of common passwords is not UTF-8")
        }
        var hashes = Set(Self.builtIn.hashes)
        for line in text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }) { hashes.insert(Self.hash(String(Substring(line)))) }
        self.hashes = hashes.sorted()
    }

    public var count: Int { hashes.count }

    /// Whether it is one of them, whatever its case.
    public func contains(_ password: String) -> Bool {
        let hash = Self.hash(password)
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < hashes.count && hashes[low] == hash
    }

    private static func hash(_ password: String) -> UInt64 {
        SHA256.hash(data: Array(PasswordText.folded(password).utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
