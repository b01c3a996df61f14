import Crypto

/// HOTP (RFC 4226 §5.3) and what TOTP makes of it.
public enum OneTimeCodeAlgorithm: String, Sendable, Hashable, CaseIterable {
    case sha1 = "SHA1"
    case sha256 = "SHA256"
    case sha512 = "SHA512"

    /// The value of `digits` digits (6 to 8) for a counter.
    func value(secret: [UInt8], counter: Int64, digits: Int) -> UInt32 {
        let message = withUnsafeBytes(of: counter.bigEndian) { Array($0) }
        let key = SymmetricKey(data: secret)
        let mac: [UInt8] =
            switch self {
            case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
            case .sha256: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
            case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
            }
        let offset = Int(mac[mac.count - 1] & 0xf)
        let bits = mac[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        return bits % (0..<digits).reduce(1) { product, _ in product * 10 }
    }
}

/// A generator of one-time codes by time (RFC 6238), shared with somebody's device.
public struct OneTimeCodeSecret: Sendable, Hashable {
    public let algorithm: OneTimeCodeAlgorithm
    /// 6 to 8.
    public let digits: Int
    public let periodSeconds: Int
    let secret: [UInt8]

    /// - Parameter secret: 16 to 128 bytes (RFC 4226 §4, R6).
    /// - Returns: nil where a bound is not kept; the period is 10 to 300 seconds.
    public init?(secret: [UInt8], algorithm: OneTimeCodeAlgorithm = .sha1, digits: Int = 6, periodSeconds: Int = 30) {
        guard (16...128).contains(secret.count), (6...8).contains(digits), (10...300).contains(periodSeconds) else { return nil }
        (self.secret, self.algorithm, self.digits, self.periodSeconds) = (secret, algorithm, digits, periodSeconds)
    }

    /// The form that every authenticator app takes: SHA-1, six digits, 30 seconds, 160 bits.
    public static func random() -> OneTimeCodeSecret { OneTimeCodeSecret(random: ()) }

    private init(random: Void) { (secret, algorithm, digits, periodSeconds) = (Secret.bytes(20), .sha1, 6, 30) }

    /// The secret as it is typed into a device: base32 (RFC 4648 §6) without padding.
    public var base32: String { Base32.encode(secret) }

    /// What a QR code tells a device: `otpauth://totp/Shop:ann?secret=…&issuer=Shop&algorithm=SHA1&digits=6&period=30`.
    public func uri(issuer: String, account: String) -> String {
        let issuer = Self.encoded(issuer)
        return "otpauth://totp/\(issuer):\(Self.encoded(account))?secret=\(base32)&issuer=\(issuer)&algorithm=\(algorithm.rawValue)"
            + "&digits=\(digits)&period=\(periodSeconds)"
    }

    /// The code at a time, in seconds since 1970.
    public func code(at seconds: Int64) -> String { text(counter: seconds / Int64(periodSeconds)) }

    /// The time step that `code` belongs to: that of `seconds`, or one within `window` of it; nil where it belongs to none of them, or to one not
    /// after `last`. All steps are tried, whichever fits.
    func counter(of code: String, at seconds: Int64, window: Int64 = 1, after last: Int64) -> Int64? {
        let typed = Array(code.utf8)
        let now = max(0, seconds) / Int64(periodSeconds)
        var found: Int64?
        for counter in max(0, now - window)...(now + window) where Secret.equal(Array(text(counter: counter).utf8), typed) {
            found = counter > last ? counter : found
        }
        return found
    }

    private func text(counter: Int64) -> String {
        let text = String(algorithm.value(secret: secret, counter: counter, digits: digits))
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    /// Percent-encoded but for what RFC 3986 §2.3 calls unreserved.
    private static func encoded(_ text: String) -> String {
        text.utf8.prefix(256).reduce(into: "") { encoded, byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}

extension OneTimeCodeSecret {
    /// For sealing: the version, the algorithm, the digits, the period, the secret.
    var bytes: [UInt8] {
        let algorithm = UInt8(OneTimeCodeAlgorithm.allCases.firstIndex(of: algorithm) ?? 0)
        return [1, algorithm, UInt8(digits), UInt8(periodSeconds >> 8), UInt8(periodSeconds & 0xff)] + secret
    }

    init?(bytes: [UInt8]) {
        guard bytes.count > 5, bytes[0] == 1, Int(bytes[1]) < OneTimeCodeAlgorithm.allCases.count else { return nil }
        self.init(
            secret: Array(bytes[5...]), algorithm: OneTimeCodeAlgorithm.allCases[Int(bytes[1])], digits: Int(bytes[2]),
            periodSeconds: Int(bytes[3]) << 8 | Int(bytes[4]))
    }
}
