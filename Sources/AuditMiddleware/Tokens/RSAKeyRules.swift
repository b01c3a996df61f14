/// What an RSA public key must be, whoever names it.
enum RSAKeyRules {
    static let bits = 2048...8192

    /// - Parameters:
    ///   - modulus: big-endian, without leading zeros.
    ///   - exponent: likewise.
    static func check(modulus: [UInt8], exponent: [UInt8]) throws(KeyError) {
        guard let first = modulus.first, first != 0 else { throw .malformed("n") }
        guard let start = exponent.first, start != 0 else { throw .malformed("e") }
        guard bits.contains(modulus.count * 8 - first.leadingZeroBitCount), (modulus.last ?? 0) & 1 == 1 else { throw .weak }
        guard exponent.count <= 4, (exponent.last ?? 0) & 1 == 1, exponent != [1] else { throw .weak }
        guard !hasGuessablePrimes(modulus) else { throw .weak }
    }

    /// Whether the modulus bears the mark of the ROCA generator (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017): its primes are
    /// k·M + (65537^a mod M), so modulo every small prime of M the modulus is a power of 65537. By chance that happens once in 2^27 or less.
    static func hasGuessablePrimes(_ modulus: [UInt8]) -> Bool {
        let primes = [
            3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131,
            137, 139,
            149, 151, 157, 163, 167,
        ]
        return primes.allSatisfy { prime in
            let rest = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
            var power = 1
            repeat {
                if power == rest { return true }
                power = power * 65_537 % prime
            } while power != 1
            return false
        }
    }
}
