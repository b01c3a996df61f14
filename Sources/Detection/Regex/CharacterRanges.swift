/// Sets of code points as sorted, disjoint ranges, and their form in UTF-8.
enum CharacterRanges {
    static let digits: [ClosedRange<UInt32>] = [48...57]
    static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
    static let space: [ClosedRange<UInt32>] = [9...13, 32...32]

    static func normalized(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound &+ 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    static func inverted(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in normalized(ranges) {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10ffff { result.append(next...0x10ffff) }
        return result
    }

    /// The ranges with the other case of every letter; beyond ASCII only for ranges of at most 512 code points, which a class of letters is.
    static func caseInsensitive(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result = ranges
        for range in ranges {
            let ascii = range.clamped(to: 0...0x7f)
            let scanned = range.count <= 512 ? range : ascii
            guard scanned.overlaps(range) else { continue }
            for value in scanned {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                    let other = mapping.unicodeScalars
                    guard other.count == 1, let first = other.first, first != scalar else { continue }
                    result.append(first.value...first.value)
                }
            }
        }
        return normalized(result)
    }

    /// The byte sequences of the characters in `range`, surrogates left out: each is a product of byte ranges.
    static func utf8(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        let bounds: [ClosedRange<UInt32>] = [0...0x7f, 0x80...0x7ff, 0x800...0xd7ff, 0xe000...0xffff, 0x10000...0x10ffff]
        for bound in bounds where bound.overlaps(range) {
            split(range.clamped(to: bound), into: &result)
        }
        return result
    }

    private static func split(_ range: ClosedRange<UInt32>, into result: inout [[ClosedRange<UInt8>]]) {
        let low = encoded(range.lowerBound)
        let high = encoded(range.upperBound)
        // A product of byte ranges needs every continuation after the first differing byte to run over all of 80…BF.
        for position in 1..<max(low.count, 1) {
            let shift = UInt32(6 * (low.count - position))
            let mask: UInt32 = (1 << shift) - 1
            guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
            if range.lowerBound & mask != 0 {
                split(range.lowerBound...(range.lowerBound | mask), into: &result)
                split((range.lowerBound | mask) + 1...range.upperBound, into: &result)
                return
            }
            if range.upperBound & mask != mask {
                split(range.lowerBound...(range.upperBound & ~mask) - 1, into: &result)
                split((range.upperBound & ~mask)...range.upperBound, into: &result)
                return
            }
        }
        result.append(zip(low, high).map { $0...$1 })
    }

    private static func encoded(_ value: UInt32) -> [UInt8] {
        switch value {
        case 0...0x7f: [UInt8(value)]
        case 0x80...0x7ff: [UInt8(0xc0 | value >> 6), UInt8(0x80 | value & 0x3f)]
        case 0x800...0xffff: [UInt8(0xe0 | value >> 12), UInt8(0x80 | value >> 6 & 0x3f), UInt8(0x80 | value & 0x3f)]
        default:
            [
                UInt8(0xf0 | value >> 18), UInt8(0x80 | value >> 12 & 0x3f), UInt8(0x80 | value >> 6 & 0x3f),
                UInt8(0x80 | value & 0x3f),
            ]
        }
    }
}
