/// What kind of secret a field's name promises.
enum SecretName {
    /// Endings, of names folded to lower-case letters and digits, that promise a secret, and the kind.
    private static let endings: [([UInt8], String)] = [
        ("password", "password"), ("passwd", "password"), ("passphrase", "password"), ("passcode", "password"), ("pwd", "password"),
        ("passwordconfirmation", "password"), ("passwordconfirm", "password"), ("passwordagain", "password"), ("passwordhash", "password"),
        ("authorization", "authorization"), ("cookie", "cookie"), ("cookies", "cookie"), ("secret", "secret"), ("secretkey", "secret"),
        ("privatekey", "secret"), ("accesskey", "secret"), ("signingkey", "secret"), ("encryptionkey", "secret"), ("credentials", "secret"),
        ("credential", "secret"), ("apikey", "key"), ("token", "token"), ("sessionid", "session"), ("sessid", "session"),
        ("connectsid", "session"), ("totp", "code"), ("otpcode", "code"), ("pincode", "code"),
    ].map { (Array($0.0.utf8), $0.1) }

    /// Short names, which mean a secret only when they stand alone.
    private static let words: [([UInt8], String)] = [
        ("pass", "password"), ("auth", "secret"), ("jwt", "token"), ("bearer", "token"), ("sid", "session"), ("otp", "code"),
        ("mfacode", "code"), ("pin", "code"), ("cvv", "code"), ("cvc", "code"), ("connectionstring", "secret"), ("databaseurl", "secret"),
        ("dsn", "secret"),
    ].map { (Array($0.0.utf8), $0.1) }

    /// `endings` by their last byte.
    private static let endingsByLastByte: [[([UInt8], String)]] = (0..<256).map { byte in endings.filter { $0.0.last == UInt8(byte) } }

    /// Tokens that only say where a list goes on, or stop a task.
    private static let harmless: [[UInt8]] = ["pagetoken", "nexttoken", "continuationtoken", "cancellationtoken"].map { Array($0.utf8) }

    /// The kind of secret behind `name`, whatever its case and punctuation; nil for a name that promises none.
    static func kind(_ name: some Collection<UInt8>) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: name.count) { folded in
            var count = 0
            for c in name {
                switch c {
                case 97...122, 48...57: folded.initializeElement(at: count, to: c)
                case 65...90: folded.initializeElement(at: count, to: c | 0x20)
                default: continue
                }
                count += 1
            }
            while count > 0, folded[count - 1] < 58 { count -= 1 }  // password2
            return count >= 3 ? kind(folded: UnsafeBufferPointer(rebasing: folded[..<count])) : nil
        }
    }

    private static func kind(folded name: UnsafeBufferPointer<UInt8>) -> String? {
        for (ending, kind) in endingsByLastByte[Int(name[name.count - 1])] where ends(name, ending) {
            return kind == "token" && harmless.contains { ends(name, $0) } ? nil : kind
        }
        return words.first { $0.0.count == name.count && ends(name, $0.0) }?.1
    }

    private static func ends(_ name: UnsafeBufferPointer<UInt8>, _ ending: [UInt8]) -> Bool {
        let start = name.count - ending.count
        guard start >= 0 else { return false }
        var i = ending.count - 1
        while i >= 0, name[start + i] == ending[i] { i -= 1 }
        return i < 0
    }

    /// `name` with its percent-encoded bytes decoded, twice encoded ones too.
    static func decoded(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(UInt8(ascii: "%")) else { return name }
        var result = name
        for _ in 0..<2 {
            var out: [UInt8] = []
            var i = 0
            while i < result.count {
                if result[i] == UInt8(ascii: "%"), i + 2 < result.count, let high = hex(result[i + 1]), let low = hex(result[i + 2]) {
                    out.append(high << 4 | low)
                    i += 3
                } else {
                    out.append(result[i])
                    i += 1
                }
            }
            result = out
        }
        return result
    }

    static func hex(_ c: UInt8) -> UInt8? {
        switch c {
        case 48...57: c - 48
        case 65...70: c - 55
        case 97...102: c - 87
        default: nil
        }
    }
}
