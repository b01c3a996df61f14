import Glibc

/// A text with wildcards, made ready to be compared with bytes.
struct TextMatcher: Sendable, Hashable {
    private enum Shape: Sendable, Hashable {
        case equals([UInt8])
        case startsWith([UInt8])
        case endsWith([UInt8])
        case contains([UInt8])
        case glob([SigmaString.Part])
    }

    private let shape: Shape
    /// Whether the text is compared as written; else with its lower-cased form.
    let isCased: Bool

    init(_ text: SigmaString, cased: Bool) {
        isCased = cased
        let parts =
            cased
            ? text.parts
            : text.parts.map { if case .literal(let bytes) = $0 { .literal(LetterCase.lowered(bytes)) } else { $0 } }
        func literal(_ index: Int) -> [UInt8]? { if case .literal(let bytes) = parts[index] { bytes } else { nil } }
        switch parts.count {
        case 0: shape = .equals([])
        case 1: shape = literal(0).map { .equals($0) } ?? .glob(parts)
        case 2:
            if parts[0] == .anyRun, let bytes = literal(1) {
                shape = .endsWith(bytes)
            } else if parts[1] == .anyRun, let bytes = literal(0) {
                shape = .startsWith(bytes)
            } else {
                shape = .glob(parts)
            }
        case 3:
            if parts[0] == .anyRun, parts[2] == .anyRun, let bytes = literal(1) { shape = .contains(bytes) } else { shape = .glob(parts) }
        default: shape = .glob(parts)
        }
    }

    /// The whole text where nothing else matches, else nil.
    var exact: [UInt8]? { if case .equals(let bytes) = shape { bytes } else { nil } }

    /// The bytes that every match begins with.
    var prefix: [UInt8] {
        switch shape {
        case .equals(let bytes), .startsWith(let bytes): bytes
        case .glob(let parts): if case .literal(let bytes) = parts.first { bytes } else { [] }
        case .endsWith, .contains: []
        }
    }

    /// The longest text, lower-cased, that every match holds; whether the match is nothing but it. Nil where there is none.
    var literal: (bytes: [UInt8], isWhole: Bool)? {
        let found: (bytes: [UInt8], isWhole: Bool)
        switch shape {
        case .equals(let bytes): found = (bytes, true)
        case .startsWith(let bytes), .endsWith(let bytes), .contains(let bytes): found = (bytes, false)
        case .glob(let parts):
            let literals = parts.compactMap { if case .literal(let bytes) = $0 { bytes } else { nil } }
            guard let longest = literals.max(by: { $0.count < $1.count }) else { return nil }
            found = (longest, false)
        }
        guard isCased else { return found }
        // Lower-casing beyond ASCII depends on a letter's neighbours.
        return found.bytes.allSatisfy { $0 < 0x80 } ? (LetterCase.lowered(found.bytes), found.isWhole) : nil
    }

    /// - Parameter text: lower-cased unless `isCased`.
    func matches(_ text: [UInt8]) -> Bool {
        switch shape {
        case .equals(let bytes): text == bytes
        case .startsWith(let bytes): text.starts(with: bytes)
        case .endsWith(let bytes): text.count >= bytes.count && text.suffix(bytes.count).elementsEqual(bytes)
        case .contains(let bytes): TextMatcher.find(bytes, in: text, from: 0) != nil
        case .glob(let parts): TextMatcher.glob(parts, text)
        }
    }

    static func find(_ needle: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard !needle.isEmpty else { return start }
        guard text.count - start >= needle.count else { return nil }
        return text.withUnsafeBytes { text in
            needle.withUnsafeBytes { needle -> Int? in
                guard let base = text.baseAddress, let wanted = needle.baseAddress else { return nil }
                let last = text.count - needle.count
                var place = start
                while place <= last, let found = memchr(base + place, Int32(needle[0]), last - place + 1) {
                    place = UnsafeRawPointer(found) - base
                    if memcmp(base + place, wanted, needle.count) == 0 { return place }
                    place += 1
                }
                return nil
            }
        }
    }

    /// Matches part by part. Between two runs the leftmost place is as good as any, so no choice is ever taken back; a stretch with `?` in it
    /// is tried at each place in turn, which costs at most the text's length times the stretch's.
    private static func glob(_ parts: [SigmaString.Part], _ text: [UInt8]) -> Bool {
        let stretches = parts.split(separator: .anyRun, omittingEmptySubsequences: false)
        guard stretches.count > 1 else { return advance(over: parts[...], in: text, from: 0) == text.count }
        guard var position = advance(over: stretches[0], in: text, from: 0) else { return false }
        for stretch in stretches[1..<(stretches.count - 1)] {
            guard let end = firstEnd(of: stretch, in: text, from: position) else { return false }
            position = end
        }
        let last = stretches[stretches.count - 1]
        if last.isEmpty { return true }
        // The last stretch is anchored at the end: walk back over as many characters as it has.
        var start = text.count
        for part in last.reversed() {
            switch part {
            case .literal(let bytes): start -= bytes.count
            default:
                start -= 1
                while start > 0, start < text.count, text[start] & 0xc0 == 0x80 { start -= 1 }
            }
            if start < position { return false }
        }
        return advance(over: last, in: text, from: start) == text.count
    }

    private static func firstEnd(of stretch: ArraySlice<SigmaString.Part>, in text: [UInt8], from start: Int) -> Int? {
        var start = start
        if stretch.isEmpty { return start }
        while start <= text.count {
            if case .literal(let bytes) = stretch[stretch.startIndex] {
                guard let place = find(bytes, in: text, from: start) else { return nil }
                start = place
            }
            if let end = advance(over: stretch, in: text, from: start) { return end }
            start += 1
        }
        return nil
    }

    private static func advance(over stretch: ArraySlice<SigmaString.Part>, in text: [UInt8], from start: Int) -> Int? {
        var position = start
        for part in stretch {
            switch part {
            case .literal(let bytes):
                guard text.count - position >= bytes.count, text[position..<(position + bytes.count)].elementsEqual(bytes) else {
                    return nil
                }
                position += bytes.count
            case .anyOne:
                guard position < text.count else { return nil }
                position += 1
                while position < text.count, text[position] & 0xc0 == 0x80 { position += 1 }
            case .anyRun: break
            }
        }
        return position
    }
}

/// Letter case as Sigma compares: ASCII by the byte, the rest by Unicode.
enum LetterCase {
    static func lowered(_ bytes: [UInt8]) -> [UInt8] {
        var changes = false
        for byte in bytes {
            if byte >= 0x80 { return Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8) }
            if byte >= 65, byte <= 90 { changes = true }
        }
        return changes ? bytes.map { $0 >= 65 && $0 <= 90 ? $0 | 0x20 : $0 } : bytes
    }
}
