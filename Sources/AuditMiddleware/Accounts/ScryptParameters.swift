/// What a scrypt hash costs (RFC 7914 §2).
public struct ScryptParameters: Sendable, Hashable {
    /// The binary logarithm of N, 1 to 20.
    public let logCost: Int
    /// r, 1 to 16.
    public let blockSize: Int
    /// p, 1 to 16.
    public let parallelism: Int

    /// Nil where a bound is not kept, or a hash would take more than 256 MiB.
    public init?(logCost: Int, blockSize: Int, parallelism: Int) {
        guard (1...20).contains(logCost), (1...16).contains(blockSize), (1...16).contains(parallelism) else { return nil }
        (self.logCost, self.blockSize, self.parallelism) = (logCost, blockSize, parallelism)
        guard memoryBytes <= 256 << 20 else { return nil }
    }

    private init(_ logCost: Int, _ blockSize: Int, _ parallelism: Int) {
        (self.logCost, self.blockSize, self.parallelism) = (logCost, blockSize, parallelism)
    }

    /// N=2^17, r=8, p=1: 128 MiB a hash, the first choice of OWASP's Password Storage Cheat Sheet.
    public static let standard = ScryptParameters(17, 8, 1)
    /// N=2^15, r=8, p=3: 32 MiB a hash and about the same time, OWASP's for machines with little memory.
    public static let smallMemory = ScryptParameters(15, 8, 3)
    /// N=2^4, r=1, p=1: for tests, and for nothing else.
    package static let cheap = ScryptParameters(4, 1, 1)

    /// What one hash takes.
    public var memoryBytes: Int { 128 * blockSize << logCost }
    /// How much work one is.
    var work: Int { parallelism * blockSize << logCost }
}
