/// Reads the common core of PCRE: classes, groups, alternation, counted repetition, anchors, `\d \w \s \b` and their opposites, `(?ims)`.
/// Look-around, back-references and possessive forms cannot be matched in linear time and are refused.
struct RegexParser {
    private static let maximumDepth = 100
    private static let maximumRepetition = 1000

    private let scalars: [UInt32]
    private var next = 0
    private var depth = 0
    private var options: RegexOptions

    static func parse(_ text: String, options: RegexOptions) throws(RegexError) -> RegexNode {
        var parser = RegexParser(text, options: options)
        let node = try parser.alternatives()
        guard parser.next == parser.scalars.count else { throw RegexError(message: "a parenthesis is closed that was not opened") }
        return node
    }

    private init(_ text: String, options: RegexOptions) {
        scalars = text.unicodeScalars.map(\.value)
        self.options = options
    }

    private var peek: UInt32? { next < scalars.count ? scalars[next] : nil }

    private func at(_ c: Unicode.Scalar, _ offset: Int = 0) -> Bool {
        next + offset < scalars.count && scalars[next + offset] == c.value
    }

    private mutating func take(_ c: Unicode.Scalar) -> Bool {
        guard at(c) else { return false }
        next += 1
        return true
    }

    private mutating func alternatives() throws(RegexError) -> RegexNode {
        depth += 1
        guard depth <= Self.maximumDepth else { throw RegexError(message: "groups are nested too deeply") }
        defer { depth -= 1 }
        let outer = options
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        options = outer
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(RegexError) -> RegexNode {
        var items: [RegexNode] = []
        while let c = peek, c != 0x7c, c != 0x29 {
            guard let atom = try atom() else { continue }
            items.append(try repetition(of: atom))
        }
        return items.count == 1 ? items[0] : .sequence(items)
    }

    private mutating func repetition(of atom: RegexNode) throws(RegexError) -> RegexNode {
        var node = atom
        var count = 0
        while true {
            let bounds: (Int, Int?)
            if take("*") {
                bounds = (0, nil)
            } else if take("+") {
                bounds = (1, nil)
            } else if take("?") {
                bounds = (0, 1)
            } else if at("{"), let counted = countedBounds() {
                bounds = counted
            } else {
                return node
            }
            guard count == 0 else { throw RegexError(message: "a repetition is repeated", advice: "put the inner one in a group") }
            guard bounds.0 <= Self.maximumRepetition, bounds.1 ?? 0 <= Self.maximumRepetition, bounds.0 <= bounds.1 ?? Int.max else {
                throw RegexError(message: "a repetition counts at most \(Self.maximumRepetition), the lower bound first")
            }
            count += 1
            if at("+") { throw RegexError(message: "possessive repetitions need backtracking", advice: "leave the second + out") }
            _ = take("?")  // Lazy or greedy: whether there is a match is the same.
            node = .repetition(node, bounds.0, bounds.1)
        }
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else after `{` is the character itself, as PCRE has it.
    private mutating func countedBounds() -> (Int, Int?)? {
        let start = next
        next += 1
        func number(_ parser: inout RegexParser) -> Int? {
            var value: Int?
            while let c = parser.peek, c >= 48, c <= 57 {
                value = min((value ?? 0) * 10 + Int(c - 48), 1_000_000)
                parser.next += 1
            }
            return value
        }
        guard let low = number(&self) else {
            next = start
            return nil
        }
        if take("}") { return (low, low) }
        guard take(",") else {
            next = start
            return nil
        }
        let high = number(&self)
        guard take("}") else {
            next = start
            return nil
        }
        return (low, high)
    }

    private mutating func atom() throws(RegexError) -> RegexNode? {
        guard let c = peek else { return nil }
        next += 1
        switch Unicode.Scalar(c) {
        case "(": return try group()
        case "[": return .characters(try characterClass())
        case ".":
            return .characters(CharacterRanges.inverted(options.dotMatchesNewline ? [] : [10...10]))
        case "^": return .assertion(options.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(options.isMultiline ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw RegexError(message: "a repetition has nothing to repeat")
        default: return .characters(folded([c...c]))
        }
    }

    private mutating func group() throws(RegexError) -> RegexNode? {
        let outer = options
        if take("?") {
            if at("=") || at("!") || (at("<") && (at("=", 1) || at("!", 1))) {
                throw RegexError(
                    message: "look-around needs backtracking", advice: "use a second selection with 'not' in the condition")
            } else if at("<") || at("P") {
                _ = take("P")
                guard take("<") else { throw RegexError(message: "an unknown kind of group") }
                while let c = peek, c != 0x3e { next += 1 }
                guard take(">") else { throw RegexError(message: "a group's name is not closed") }
            } else if !take(":") {
                while let c = peek, let letter = Unicode.Scalar(c), "ims".unicodeScalars.contains(letter) {
                    options.insert(String(Character(letter)))
                    next += 1
                }
                if take(")") { return nil }
                guard take(":") else {
                    throw RegexError(message: "an unknown kind of group", advice: "(?:…), (?ims) and (?<name>…) are known")
                }
            }
        }
        let node = try alternatives()
        guard take(")") else { throw RegexError(message: "a parenthesis is not closed") }
        options = outer
        return node
    }

    private mutating func escape() throws(RegexError) -> RegexNode {
        guard let c = peek else { throw RegexError(message: "the expression ends in a backslash") }
        switch Unicode.Scalar(c) {
        case "b":
            next += 1
            return .assertion(.wordBoundary)
        case "B":
            next += 1
            return .assertion(.notWordBoundary)
        case "A":
            next += 1
            return .assertion(.textStart)
        case "z", "Z":
            next += 1
            return .assertion(.textEnd)
        case "1", "2", "3", "4", "5", "6", "7", "8", "9", "k":
            throw RegexError(message: "back-references need backtracking")
        default:
            return .characters(folded(try escapedCharacters()))
        }
    }

    /// What stands after a backslash, in a class or outside of one.
    private mutating func escapedCharacters() throws(RegexError) -> [ClosedRange<UInt32>] {
        guard let c = peek else { throw RegexError(message: "the expression ends in a backslash") }
        next += 1
        switch Unicode.Scalar(c) {
        case "d": return CharacterRanges.digits
        case "D": return CharacterRanges.inverted(CharacterRanges.digits)
        case "w": return CharacterRanges.word
        case "W": return CharacterRanges.inverted(CharacterRanges.word)
        case "s": return CharacterRanges.space
        case "S": return CharacterRanges.inverted(CharacterRanges.space)
        case "t": return [9...9]
        case "n": return [10...10]
        case "r": return [13...13]
        case "f": return [12...12]
        case "v": return [11...11]
        case "a": return [7...7]
        case "e": return [27...27]
        case "0": return [0...0]
        case "x", "u":
            var digits = c == 0x75 ? 4 : 2
            var value: UInt32 = 0
            let braced = take("{")
            if braced { digits = 6 }
            while digits > 0, let d = peek, let digit = Unicode.Scalar(d)?.properties.numericHexadecimal {
                value = value << 4 | digit
                next += 1
                digits -= 1
            }
            if braced, !take("}") { throw RegexError(message: "a character's number is not closed") }
            guard braced || digits == 0, value <= 0x10ffff else { throw RegexError(message: "not a character's number") }
            return [value...value]
        default:
            let isLetter = (65...90).contains(c) || (97...122).contains(c)
            guard !isLetter else { throw RegexError(message: "the escape '\\\(String(UnicodeScalar(UInt8(c))))' is not known") }
            return [c...c]
        }
    }

    private mutating func characterClass() throws(RegexError) -> [ClosedRange<UInt32>] {
        let negated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var first = true
        while true {
            guard let c = peek else { throw RegexError(message: "a character class is not closed") }
            if c == 0x5d, !first {
                next += 1
                break
            }
            first = false
            if at("["), at(":", 1) { throw RegexError(message: "named classes are not known", advice: "write \\d, \\w, \\s or the ranges") }
            next += 1
            var low: [ClosedRange<UInt32>] = [c...c]
            if c == 0x5c {
                if at("b") {
                    next += 1
                    low = [8...8]
                } else {
                    low = try escapedCharacters()
                }
            }
            if at("-"), !at("]", 1), next + 1 < scalars.count, low.count == 1, low[0].count == 1 {
                next += 1
                guard let end = peek else { throw RegexError(message: "a character class is not closed") }
                next += 1
                let high = end == 0x5c ? try escapedCharacters() : [end...end]
                guard high.count == 1, high[0].count == 1, high[0].lowerBound >= low[0].lowerBound else {
                    throw RegexError(message: "a range in a character class runs backwards")
                }
                low = [low[0].lowerBound...high[0].lowerBound]
            }
            ranges += low
        }
        ranges = folded(ranges)
        return negated ? CharacterRanges.inverted(ranges) : CharacterRanges.normalized(ranges)
    }

    private func folded(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        options.ignoresCase ? CharacterRanges.caseInsensitive(ranges) : ranges
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var numericHexadecimal: UInt32? {
        guard isASCIIHexDigit, let value = UInt32(lowercaseMapping, radix: 16) else { return nil }
        return value
    }
}
