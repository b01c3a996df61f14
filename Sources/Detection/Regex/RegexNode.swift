/// Options of a regular expression (Sigma's `re` submodifiers).
struct RegexOptions: Sendable, Hashable {
    /// `i`: letters match in either case.
    var ignoresCase = false
    /// `m`: `^` and `$` also match at line breaks.
    var isMultiline = false
    /// `s`: `.` also matches a line break.
    var dotMatchesNewline = false

    mutating func insert(_ letter: String) {
        switch letter {
        case "i": ignoresCase = true
        case "m": isMultiline = true
        default: dotMatchesNewline = true
        }
    }
}

/// Why a regular expression is not accepted.
struct RegexError: Error {
    var message: String
    var advice: String?
}

/// A parsed regular expression.
indirect enum RegexNode {
    enum Assertion: Sendable, Hashable { case textStart, textEnd, lineStart, lineEnd, wordBoundary, notWordBoundary }

    case empty
    /// One character out of sorted, disjoint ranges of code points.
    case characters([ClosedRange<UInt32>])
    case assertion(Assertion)
    case sequence([RegexNode])
    case alternatives([RegexNode])
    case repetition(RegexNode, Int, Int?)
}
