/// The shapes of secrets, and of the words around them.
extension SecretScanner {
    func isQuote(_ c: UInt8) -> Bool { c == UInt8(ascii: "\"") || c == UInt8(ascii: "'") || c == UInt8(ascii: "\\") }

    func matches(_ text: StaticString, at i: Int) -> Bool {
        matches(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), at: i)
    }

    func matches(_ text: some Collection<UInt8>, at i: Int) -> Bool {
        i + text.count <= bytes.count && bytes[i..<i + text.count].elementsEqual(text)
    }

    /// Whether a word may start at `i`: after anything that is no part of one, or after a percent-encoded byte.
    func startsWord(_ i: Int) -> Bool {
        guard i > 0, isKeyCharacter(bytes[i - 1]) else { return true }
        return i >= 3 && bytes[i - 3] == UInt8(ascii: "%") && SecretName.hex(bytes[i - 2]) != nil && SecretName.hex(bytes[i - 1]) != nil
    }

    func isKeyCharacter(_ c: UInt8) -> Bool {
        switch c {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    func isNameCharacter(_ c: UInt8) -> Bool { isKeyCharacter(c) || [46, 91, 93, UInt8(ascii: "%")].contains(c) }

    func run(from start: Int, while accepted: (UInt8) -> Bool) -> Int {
        var i = start
        while i < bytes.count, accepted(bytes[i]) { i += 1 }
        return i
    }

    /// Whether capital and small letters and digits are mixed, as no word of a language is.
    func looksRandom(_ range: Range<Int>) -> Bool {
        let part = bytes[range]
        return part.contains { $0 < 58 && $0 > 47 } && part.contains { $0 < 91 && $0 > 64 } && part.contains { $0 > 96 }
    }

    /// A whole path segment of 40 or more base64url characters with digits and letters of both cases, given the slash before it: what session ids,
    /// refresh tokens, and links that reset passwords are made of. Names of files have a dot or are shorter, hashes in hex have one case.
    func opaqueSegment(after i: Int) -> Range<Int>? {
        let end = run(from: i + 1, while: isKeyCharacter)
        guard end - i > 40, end == bytes.count || [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x27, 0x23, 0x26, 0x2f, 0x3b, 0x3f].contains(bytes[end])
        else { return nil }
        return looksRandom(i + 1..<end) ? i + 1..<end : nil
    }

    /// The secret of an API key that an application issued through Cardea, `PREFIX_ID_SECRET` with an id of 16 hex digits and 64 or more of
    /// secret, given the underscore before the id. Prefix and id stay: they name the key in the open.
    func ownKeySecret(after i: Int) -> Range<Int>? {
        let start = i + 18
        guard i > 0, isKeyCharacter(bytes[i - 1]), start + 64 <= bytes.count, bytes[start - 1] == UInt8(ascii: "_"),
            bytes[i + 1..<start - 1].allSatisfy({ SecretName.hex($0) != nil }),
            bytes[start..<start + 64].allSatisfy({ SecretName.hex($0) != nil })
        else { return nil }
        return start..<run(from: start, while: isKeyCharacter)
    }

    /// RFC 7515 §3.1 and RFC 7516 §3.1: two to five base64url parts with dots, the first a JSON object (`eyJ`), others empty at times.
    func jwtEnd(from i: Int) -> Int? {
        let first = run(from: i, while: isKeyCharacter)
        guard first - i >= 10, first < bytes.count, bytes[first] == UInt8(ascii: ".") else { return nil }
        var (end, parts) = (first, 1)
        while end < bytes.count, bytes[end] == UInt8(ascii: "."), parts < 5 {
            end = run(from: end + 1, while: isKeyCharacter)
            parts += 1
        }
        return end - first > 2 ? end : nil
    }

    /// RFC 7468: to the end of the `-----END …-----` line, or of the text where it was cut.
    func pemEnd(from i: Int) -> Int? {
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

    /// `Bearer TOKEN`, `Basic BASE64` and the like (RFC 9110 §11.4), the scheme in any case; nil for words such as `basic authentication`.
    func credentialsEnd(from i: Int) -> Int? {
        schemeEnd("bearer", from: i, minimum: 8) ?? schemeEnd("basic", from: i, minimum: 6) ?? schemeEnd("negotiate", from: i, minimum: 16)
            ?? schemeEnd("ntlm", from: i, minimum: 16)
    }

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
        let end = run(from: j) { isKeyCharacter($0) || [37, 43, 46, 47, 61, 126].contains($0) }
        guard end - j >= minimum else { return nil }
        let isWord = end - j < 20 && bytes[j..<end].dropLast(bytes[end - 1] == 61 ? 1 : 0).allSatisfy { $0 > 96 && $0 < 123 || $0 == 45 }
        return isWord ? nil : end
    }
}
