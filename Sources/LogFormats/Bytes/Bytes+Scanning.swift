/// A line or a part of one: bytes, for nothing says that a log is UTF-8.
typealias Bytes = ArraySlice<UInt8>

extension ArraySlice<UInt8> {
    /// Whether the bytes begin with those of `literal`.
    func starts(with literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard count >= length else { return false }
        return withUnsafeBufferPointer { bytes in
            for i in 0..<length where bytes[i] != literal.utf8Start[i] { return false }
            return true
        }
    }

    func ends(with literal: StaticString) -> Bool { suffix(literal.utf8CodeUnitCount).equals(literal) }

    func equals(_ literal: StaticString) -> Bool { count == literal.utf8CodeUnitCount && starts(with: literal) }

    /// Removes `literal` from the front where it stands there; says whether it did.
    mutating func consume(_ literal: StaticString) -> Bool {
        guard starts(with: literal) else { return false }
        self = dropFirst(literal.utf8CodeUnitCount)
        return true
    }

    /// Removes `literal` from the end where it stands there; says whether it did.
    mutating func consumeSuffix(_ literal: StaticString) -> Bool {
        guard ends(with: literal) else { return false }
        self = dropLast(literal.utf8CodeUnitCount)
        return true
    }

    /// The first place of `literal`.
    func firstRange(of literal: StaticString) -> Range<Int>? {
        let length = literal.utf8CodeUnitCount
        guard length > 0, count >= length else { return nil }
        let offset = withUnsafeBufferPointer { bytes -> Int? in
            let first = literal.utf8Start[0]
            for i in 0...(bytes.count - length) where bytes[i] == first && Self.matches(bytes, at: i, literal) { return i }
            return nil
        }
        return offset.map { startIndex + $0..<startIndex + $0 + length }
    }

    /// The last place of `literal`.
    func lastRange(of literal: StaticString) -> Range<Int>? {
        let length = literal.utf8CodeUnitCount
        guard length > 0, count >= length else { return nil }
        let offset = withUnsafeBufferPointer { bytes -> Int? in
            let first = literal.utf8Start[0]
            for i in stride(from: bytes.count - length, through: 0, by: -1)
            where bytes[i] == first && Self.matches(bytes, at: i, literal) { return i }
            return nil
        }
        return offset.map { startIndex + $0..<startIndex + $0 + length }
    }

    func contains(_ literal: StaticString) -> Bool { firstRange(of: literal) != nil }

    private static func matches(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int, _ literal: StaticString) -> Bool {
        for i in 0..<literal.utf8CodeUnitCount where bytes[offset + i] != literal.utf8Start[i] { return false }
        return true
    }

    /// Takes the bytes up to the next `separator` (or all) and removes them and it.
    mutating func takeField(upTo separator: UInt8 = UInt8(ascii: " ")) -> Bytes {
        guard let end = firstIndex(of: separator) else {
            defer { self = suffix(0) }
            return self
        }
        defer { self = self[(end + 1)...] }
        return self[..<end]
    }

    mutating func skipSpaces() {
        while first == UInt8(ascii: " ") { removeFirst() }
    }

    var trimmed: Bytes {
        var result = self
        result.skipSpaces()
        while result.last == UInt8(ascii: " ") { result.removeLast() }
        return result
    }

    /// Takes leading decimal digits, at least one and at most `limit`; nil leaves the bytes as they were.
    mutating func takeNumber(limit: Int = 18) -> Int? {
        var value = 0
        var end = startIndex
        while end < endIndex, end - startIndex < limit, (48...57).contains(self[end]) {
            value = value * 10 + Int(self[end] - 48)
            end += 1
        }
        guard end > startIndex else { return nil }
        self = self[end...]
        return value
    }

    /// The number that these bytes are, all of them decimal digits; nil otherwise.
    var decimal: Int? {
        var rest = self
        guard count <= 18, let value = rest.takeNumber(), rest.isEmpty else { return nil }
        return value
    }

    /// FNV-1a, the same in every run: for keys of bounded state, not for security.
    var stableHash: UInt64 {
        withUnsafeBufferPointer { bytes in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
    }
}
