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
    private static let words: [String: String] = [
        "pass": "password", "auth": "secret", "jwt": "token", "bearer": "token", "sid": "session", "otp": "code", "mfacode": "code",
        "pin": "code", "cvv": "code", "cvc": "code", "connectionstring": "secret", "databaseurl": "secret", "dsn": "secret",
    ]

    /// Tokens that only say where a list goes on, or stop a task.
    private static let harmless: [[UInt8]] = ["pagetoken", "nexttoken", "continuationtoken", "cancellationtoken"].map { Array($0.utf8) }

    /// The kind of secret behind `name`, whatever its case and punctuation; nil for a name that promises none.
    static func kind(_ name: some Sequence<UInt8>) -> String? {
        var folded: [UInt8] = []
        for c in name {
            switch c {
            case 97...122, 48...57: folded.append(c)
            case 65...90: folded.append(c | 0x20)
            default: break
            }
        }
        while let last = folded.last, last < 58 { folded.removeLast() }  // password2
        guard folded.count >= 3 else { return nil }
        for (ending, kind) in endings where ends(folded, ending) {
            return kind == "token" && harmless.contains { ends(folded, $0) } ? nil : kind
        }
        return folded.count <= 16 ? words[String(decoding: folded, as: UTF8.self)] : nil
    }

    private static func ends(_ name: [UInt8], _ ending: [UInt8]) -> Bool {
        name.count >= ending.count && name[(name.count - 1)] == ending[ending.count - 1] && name.suffix(ending.count).elementsEqual(ending)
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
