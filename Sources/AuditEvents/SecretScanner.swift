/// Finds secret-shaped parts of a text: JWTs, private keys, well-known API keys, `Authorization` values, passwords in URLs and in `name=value`.
struct SecretScanner {
    let bytes: UnsafeBufferPointer<UInt8>

    /// Prefixes that issuers gave their keys so that they can be found, with how many key characters must follow.
    private static let keyPrefixes: [(prefix: [UInt8], minimum: Int)] = [
        ("AKIA", 16), ("ASIA", 16), ("AIza", 30), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30),
        ("github_pat_", 30), ("glpat-", 16), ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxs-", 10), ("xoxr-", 10),
        ("sk_live_", 10), ("sk_test_", 10), ("rk_live_", 10), ("sk-", 20), ("npm_", 30), ("pypi-", 40), ("ya29.", 20), ("hvs.", 20),
        ("whsec_", 16), ("SG.", 30), ("dop_v1_", 40), ("AGE-SECRET-KEY-1", 20),
    ].map { (Array($0.0.utf8), $0.1) }

    private static let keyFirstBytes: Set<UInt8> = Set(keyPrefixes.map { $0.prefix[0] })

    /// The kind of secret behind a name folded to lower-case letters and digits.
    static func kind(ofFoldedName name: ArraySlice<UInt8>) -> String? {
        guard name.count >= 3 else { return nil }
        func ends(_ suffix: StaticString) -> Bool {
            name.count >= suffix.utf8CodeUnitCount
                && name.suffix(suffix.utf8CodeUnitCount).elementsEqual(
                    UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount))
        }
        func isExactly(_ text: StaticString) -> Bool { name.count == text.utf8CodeUnitCount && ends(text) }
        if ends("password") || ends("passwd") || ends("passphrase") || isExactly("pwd") || isExactly("pass") || ends("passcode")
            || ends("userpwd")
        {
            return "password"
        }
        if ends("authorization") || isExactly("auth") || isExactly("wwwauthenticate") { return "authorization" }
        if ends("cookie") || ends("cookies") { return "cookie" }
        if ends("secret") || ends("secretkey") || ends("privatekey") || ends("accesskey") || ends("signingkey") || ends("secretaccesskey")
            || ends("encryptionkey") || ends("credentials") || ends("credential")
        {
            return "secret"
        }
        if ends("apikey") || ends("xapikey") { return "key" }
        if ends("accesstoken") || ends("refreshtoken") || ends("idtoken") || ends("authtoken") || ends("csrftoken") || ends("xsrftoken")
            || ends("sessiontoken") || ends("bearertoken") || ends("apitoken") || isExactly("token") || isExactly("jwt")
            || isExactly("bearer")
            || ends("resettoken") || ends("securitytoken")
        {
            return "token"
        }
        if ends("sessionid") || isExactly("sid") || ends("sessid") || isExactly("phpsessid") || isExactly("jsessionid") { return "session" }
        if isExactly("otp") || ends("totp") || isExactly("mfacode") || ends("otpcode") || ends("pincode") || isExactly("pin")
            || isExactly("cvv")
            || isExactly("cvc")
        {
            return "code"
        }
        if isExactly("connectionstring") || isExactly("databaseurl") || isExactly("dsn") { return "secret" }
        return nil
    }

    /// The text with its secrets replaced, or nil where there is none.
    func redacted() -> String? {
        var out: [UInt8] = []
        var copied = 0
        var i = 0
        while i < bytes.count {
            if let (range, kind) = secret(at: i), !range.isEmpty {
                out.append(contentsOf: bytes[copied..<range.lowerBound])
                out.append(contentsOf: "[redacted:\(kind)]".utf8)
                i = range.upperBound
                copied = i
            } else {
                i += 1
            }
        }
        guard copied > 0 else { return nil }
        out.append(contentsOf: bytes[copied...])
        return String(decoding: out, as: UTF8.self)
    }

    /// The secret that is announced or starts at `i`, and its kind.
    private func secret(at i: Int) -> (Range<Int>, String)? {
        let c = bytes[i]
        switch c {
        case UInt8(ascii: "e"):
            if startsWord(i), matches("eyJ", at: i), let end = jwtEnd(from: i) { return (i..<end, "jwt") }
        case UInt8(ascii: "-"):
            if matches("-----BEGIN ", at: i), let end = pemEnd(from: i) { return (i..<end, "private_key") }
        case UInt8(ascii: "B"), UInt8(ascii: "b"):
            if startsWord(i), let end = schemeEnd("bearer", from: i, minimum: 8) ?? schemeEnd("basic", from: i, minimum: 8) {
                return (i..<end, "authorization")
            }
        case UInt8(ascii: ":"):
            if let range = passwordOfURL(colon: i) { return (range, "password") }
            return namedSecret(nameEnd: i, separatorEnd: i + 1)
        case UInt8(ascii: "="): return namedSecret(nameEnd: i, separatorEnd: i + 1)
        case UInt8(ascii: "%"):
            if matches("%3D", at: i) || matches("%3d", at: i) { return namedSecret(nameEnd: i, separatorEnd: i + 3) }
        default: break
        }
        if SecretScanner.keyFirstBytes.contains(c), startsWord(i) {
            for (prefix, minimum) in SecretScanner.keyPrefixes where prefix[0] == c && matches(prefix, at: i) {
                let end = run(from: i + prefix.count, while: isKeyCharacter)
                if end - i - prefix.count >= minimum { return (i..<end, "key") }
            }
        }
        return nil
    }

    /// The value in `name=value`, `"name": "value"` or `name: value` where the name promises a secret.
    private func namedSecret(nameEnd: Int, separatorEnd: Int) -> (Range<Int>, String)? {
        var end = nameEnd
        while end > 0, isQuote(bytes[end - 1]) { end -= 1 }
        var name: [UInt8] = []
        var i = end
        while i > 0, end - i < 64 {
            let c = bytes[i - 1]
            if c >= 97 && c <= 122 || c >= 48 && c <= 57 {
                name.append(c)
            } else if c >= 65 && c <= 90 {
                name.append(c + 32)
            } else if c == UInt8(ascii: "%") {
                name.removeLast(min(2, name.count))  // a percent-encoded character, of which the two digits were taken for letters
            } else if ![45, 95, 46, 91, 93].contains(c) {
                break
            }
            i -= 1
        }
        name.reverse()
        guard let kind = SecretScanner.kind(ofFoldedName: name[...]) else { return nil }
        var start = separatorEnd
        while start < bytes.count, bytes[start] == 0x20 || isQuote(bytes[start]) { start += 1 }
        guard start < bytes.count, !matches("[redacted:", at: start), !matches("fp_", at: start) else { return nil }
        let toLineEnd = kind == "authorization" || kind == "cookie"
        let stop = run(from: start) { c in
            switch c {
            case 0x0a, 0x0d, UInt8(ascii: "\""): false
            case 0x20, UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "'"), UInt8(ascii: "}"), UInt8(ascii: ")"),
                UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
                toLineEnd
            default: true
            }
        }
        return (start..<stop, kind)
    }

    /// The password in `scheme://user:password@host`, given the colon of `://`.
    private func passwordOfURL(colon i: Int) -> Range<Int>? {
        guard matches("://", at: i) else { return nil }
        let start = i + 3
        let end = run(from: start) {
            ![0x20, 0x0a, 0x0d, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\"")].contains($0)
        }
        guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")),
            let colon = bytes[start..<at].firstIndex(of: UInt8(ascii: ":")), colon + 1 < at, !matches("[redacted:", at: colon + 1)
        else { return nil }
        return colon + 1..<at
    }

    private func isQuote(_ c: UInt8) -> Bool { c == UInt8(ascii: "\"") || c == UInt8(ascii: "'") || c == UInt8(ascii: "\\") }

    private func matches(_ text: StaticString, at i: Int) -> Bool {
        matches(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), at: i)
    }

    private func matches(_ text: some Collection<UInt8>, at i: Int) -> Bool {
        i + text.count <= bytes.count && bytes[i..<i + text.count].elementsEqual(text)
    }

    private func startsWord(_ i: Int) -> Bool { i == 0 || !isKeyCharacter(bytes[i - 1]) }

    private func isKeyCharacter(_ c: UInt8) -> Bool {
        switch c {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private func run(from start: Int, while accepted: (UInt8) -> Bool) -> Int {
        var i = start
        while i < bytes.count, accepted(bytes[i]) { i += 1 }
        return i
    }

    /// RFC 7515 §3.1: two or three base64url parts with dots, the first a JSON object (`eyJ`).
    private func jwtEnd(from i: Int) -> Int? {
        let first = run(from: i, while: isKeyCharacter)
        guard first - i >= 10, first < bytes.count, bytes[first] == UInt8(ascii: ".") else { return nil }
        let second = run(from: first + 1, while: isKeyCharacter)
        guard second - first > 2 else { return nil }
        var end = second
        while end < bytes.count, bytes[end] == UInt8(ascii: ".") { end = run(from: end + 1, while: isKeyCharacter) }
        return end
    }

    /// RFC 7468: to the end of the `-----END …-----` line, or of the text where it was cut.
    private func pemEnd(from i: Int) -> Int? {
        var j = i + 11
        let limit = min(bytes.count, i + 80)
        while j < limit, !matches("PRIVATE KEY", at: j) {
            if bytes[j] == UInt8(ascii: "\n") { return nil }
            j += 1
        }
        guard j < limit else { return nil }
        while j < bytes.count {
            if matches("-----END ", at: j) {
                var end = j + 9
                while end < bytes.count, !matches("-----", at: end) { end += 1 }
                return min(bytes.count, end + 5)
            }
            j += 1
        }
        return bytes.count
    }

    /// `Bearer TOKEN`, `Basic BASE64` (RFC 9110 §11.4), the scheme in any case.
    private func schemeEnd(_ scheme: StaticString, from i: Int, minimum: Int) -> Int? {
        let count = scheme.utf8CodeUnitCount
        guard i + count < bytes.count else { return nil }
        for k in 0..<count where bytes[i + k] | 0x20 != scheme.utf8Start[k] { return nil }
        var j = i + count
        if matches("%20", at: j) {
            j += 3
        } else {
            guard bytes[j] == 0x20 || bytes[j] == UInt8(ascii: "+") else { return nil }
            j = run(from: j) { $0 == 0x20 || $0 == UInt8(ascii: "+") }
        }
        let end = run(from: j) { isKeyCharacter($0) || [46, 126, 43, 47, 61].contains($0) }
        return end - j >= minimum ? end : nil
    }
}
