/// Finds secret-shaped parts of a text: JWTs, private keys, well-known API keys, random path segments, `Authorization` values, passwords in URLs and in `name=value`.
///
/// Every byte is looked at a bounded number of times, so that no text makes it slow.
struct SecretScanner {
    let bytes: UnsafeBufferPointer<UInt8>

    /// Prefixes that issuers gave their keys so that they can be found, with how many key characters must follow.
    private static let keyPrefixes: [(prefix: [UInt8], minimum: Int)] = [
        ("AKIA", 16), ("ASIA", 16), ("AIza", 30), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30),
        ("github_pat_", 30), ("glpat-", 16), ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxs-", 10), ("xoxr-", 10), ("xoxe-", 10),
        ("xapp-", 10), ("sk_live_", 10), ("sk_test_", 10), ("rk_live_", 10), ("rk_test_", 10), ("sk-", 20), ("npm_", 30), ("pypi-", 40),
        ("ya29.", 20), ("GOCSPX-", 20), ("hvs.", 20), ("whsec_", 16), ("SG.", 16), ("dop_v1_", 40), ("AGE-SECRET-KEY-1", 20),
    ].map { (Array($0.0.utf8), $0.1) }

    /// By first byte, where a key may start.
    private static let keysByFirstByte: [[(prefix: [UInt8], minimum: Int)]] = (0..<256).map { byte in
        keyPrefixes.filter { $0.prefix[0] == UInt8(byte) }
    }

    /// The bytes at which `secret(at:)` has something to look for.
    private static let isInteresting: [Bool] = {
        let first = Set("e-BbNnh:=%_/".utf8)
        return (0..<256).map { first.contains(UInt8($0)) || !keysByFirstByte[$0].isEmpty }
    }()

    /// The text with its secrets replaced, or nil where there is none.
    func redacted() -> String? {
        let isInteresting = SecretScanner.isInteresting
        var out: [UInt8] = []
        var copied = 0
        var i = 0
        while i < bytes.count {
            if isInteresting[Int(bytes[i])], let (range, kind) = secret(at: i), !range.isEmpty {
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
        case UInt8(ascii: ":"):
            if matches("://", at: i) { return passwordOfURL(colon: i).map { ($0, "password") } }
            return namedSecret(nameEnd: i, separatorEnd: i + 1, isHeader: true)
        case UInt8(ascii: "="): return namedSecret(nameEnd: i, separatorEnd: i + 1, isHeader: false)
        case UInt8(ascii: "%"):
            guard matches("%3", at: i), i + 2 < bytes.count, [0x41, 0x61, 0x44, 0x64].contains(bytes[i + 2]) else { return nil }
            return namedSecret(nameEnd: i, separatorEnd: i + 3, isHeader: false)
        case UInt8(ascii: "-"):
            if matches("-----BEGIN ", at: i), let end = pemEnd(from: i) { return (i..<end, "private_key") }
            return nil
        case UInt8(ascii: "/"): return opaqueSegment(after: i).map { ($0, "token") }
        case UInt8(ascii: "_"): return ownKeySecret(after: i).map { ($0, "key") }
        default: break
        }
        guard startsWord(i) else { return nil }
        switch c {
        case UInt8(ascii: "e"):
            if matches("eyJ", at: i), let end = jwtEnd(from: i) { return (i..<end, "jwt") }
        case UInt8(ascii: "B"), UInt8(ascii: "b"), UInt8(ascii: "N"), UInt8(ascii: "n"):
            if let end = credentialsEnd(from: i) { return (i..<end, "authorization") }
        case UInt8(ascii: "h"):
            if matches("hooks.slack.com/services/", at: i) { return (i + 25..<run(from: i + 25) { isKeyCharacter($0) || $0 == 47 }, "key") }
        default: break
        }
        for (prefix, minimum) in SecretScanner.keysByFirstByte[Int(c)] where matches(prefix, at: i) {
            let start = i + prefix.count
            let end = run(from: start, while: isKeyCharacter)
            guard end - start >= minimum else { continue }
            if prefix.count == 3, prefix[0] == UInt8(ascii: "s"), !looksRandom(start..<end) { continue }
            // SendGrid's keys have a second part.
            return (i..<(prefix[0] == UInt8(ascii: "S") ? run(from: end) { isKeyCharacter($0) || $0 == 46 } : end), "key")
        }
        return nil
    }

    /// The value in `name=value`, `"name": "value"` or `name: value`, plain or percent-encoded, where the name promises a secret.
    ///
    /// - Parameter isHeader: whether the separator is that of a header's line, whose value goes on to the line's end.
    private func namedSecret(nameEnd: Int, separatorEnd: Int, isHeader: Bool) -> (Range<Int>, String)? {
        var end = nameEnd
        while end > 0, nameEnd - end < 8, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        let quoted = end
        while end > 0, quoted - end < 8, isQuote(bytes[end - 1]) { end -= 1 }
        var first = end
        while first > 0, end - first < 96, isNameCharacter(bytes[first - 1]) { first -= 1 }
        guard end - first >= 3, let kind = SecretName.kind(SecretName.decoded(Array(bytes[first..<end]))) else { return nil }
        // In `"Cookie: a=b" "GET /"` the quote before the name ends the value.
        let outer: UInt8? = end == quoted && first > 0 && isQuote(bytes[first - 1]) ? bytes[first - 1] : nil
        let start = run(from: separatorEnd) { $0 == 0x20 || $0 == 0x09 }
        guard
            let range = value(
                from: start, toLineEnd: isHeader && ["authorization", "cookie"].contains(kind), isCookie: kind == "cookie", outer)
        else { return nil }
        if markEnd(at: range.lowerBound) == range.upperBound || isFingerprint(range) { return nil }
        return (range, kind)
    }

    /// Where the value that begins at `start` lies, without its quotes; nil where there is none.
    private func value(from start: Int, toLineEnd: Bool, isCookie: Bool, _ outer: UInt8?) -> Range<Int>? {
        guard start < bytes.count else { return nil }
        var open = start
        while open < bytes.count, bytes[open] == UInt8(ascii: "\\") { open += 1 }
        if open < bytes.count, isQuote(bytes[open]), bytes[open] != outer {
            let escapes = open - start
            let (first, end) = (open + 1, closingQuote(bytes[open], escapes: escapes, from: open + 1))
            return first < end ? first..<end : nil
        }
        if matches("%22", at: start) {
            var end = start + 3
            while end < bytes.count, !matches("%22", at: end), bytes[end] != 0x20 { end += 1 }
            return start + 3 < end ? start + 3..<end : nil
        }
        // A mark that is there already, and the value of an unquoted name, to where the syntax around ends it.
        var stop = markEnd(at: start) ?? start
        while stop < bytes.count, !ends(at: stop, toLineEnd: toLineEnd, isCookie: isCookie, outer) { stop += 1 }
        // `token: Bearer abc`: the scheme's name is not the secret.
        if !toLineEnd, let credentials = credentialsEnd(from: start) { stop = max(stop, credentials) }
        return start < stop ? start..<stop : nil
    }

    /// Whether the byte at `i` ends an unquoted value. Looks no further than a name ahead, for a value that went on to the line's end each time
    /// would be read as often as the line has names.
    private func ends(at i: Int, toLineEnd: Bool, isCookie: Bool, _ outer: UInt8?) -> Bool {
        switch bytes[i] {
        case 0x0a, 0x0d: return true
        case outer: return true
        case 0x20, UInt8(ascii: ";"): return !toLineEnd && !isCookie
        case 0x09, UInt8(ascii: "&"), UInt8(ascii: "\""): return !toLineEnd
        case UInt8(ascii: ",") where !toLineEnd:
            // A comma ends a value where something follows that looks like the next one.
            var k = i + 1
            guard k < bytes.count, bytes[k] > 0x20, !isQuote(bytes[k]), bytes[k] != UInt8(ascii: "{") else { return true }
            while k < bytes.count, k - i < 32, isKeyCharacter(bytes[k]) { k += 1 }
            return k > i + 1 && k < bytes.count && (bytes[k] == UInt8(ascii: "=") || bytes[k] == UInt8(ascii: ":"))
        default: return false
        }
    }

    /// Where a quoted value ends: at the quote that is escaped as its opening one was.
    private func closingQuote(_ quote: UInt8, escapes: Int, from start: Int) -> Int {
        var (i, slashes) = (start, 0)
        while i < bytes.count {
            if bytes[i] == quote, escapes == 0 ? slashes % 2 == 0 : slashes <= escapes { return i - min(slashes, escapes) }
            slashes = bytes[i] == UInt8(ascii: "\\") ? slashes + 1 : 0
            i += 1
        }
        return bytes.count
    }

    /// Where `[redacted:KIND]` at `i` ends; nil where none stands.
    func markEnd(at i: Int) -> Int? {
        guard matches("[redacted:", at: i) else { return nil }
        let end = run(from: i + 10) { $0 >= 97 && $0 <= 122 || $0 == UInt8(ascii: "_") }
        return end > i + 10 && end - i < 40 && end < bytes.count && bytes[end] == UInt8(ascii: "]") ? end + 1 : nil
    }

    private func isFingerprint(_ range: Range<Int>) -> Bool {
        range.count == 35 && Fingerprinter.isFingerprint(String(decoding: bytes[range], as: UTF8.self))
    }

    /// The password in `scheme://user:password@host`, given the colon of `://`.
    private func passwordOfURL(colon i: Int) -> Range<Int>? {
        let start = i + 3
        let end = run(from: start) {
            ![0x20, 0x0a, 0x0d, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\"")].contains($0)
        }
        guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")),
            let colon = bytes[start..<at].firstIndex(of: UInt8(ascii: ":")), colon + 1 < at, markEnd(at: colon + 1) != at
        else { return nil }
        return colon + 1..<at
    }
}
