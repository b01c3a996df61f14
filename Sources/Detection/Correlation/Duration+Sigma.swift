extension Duration {
    /// Sigma's `timespan`: a whole number and one of s, m, h, d, also w, M (30 days) and y (365 days); at most ten years.
    public init?(sigma text: String) {
        let unit: Int64? =
            switch text.utf8.last {
            case UInt8(ascii: "s"): 1
            case UInt8(ascii: "m"): 60
            case UInt8(ascii: "h"): 3600
            case UInt8(ascii: "d"): 86_400
            case UInt8(ascii: "w"): 7 * 86_400
            case UInt8(ascii: "M"): 30 * 86_400
            case UInt8(ascii: "y"): 365 * 86_400
            default: nil
            }
        guard let unit, let number = Int64(text.dropLast()), number >= 0, number <= 3660 * 86_400 / unit else { return nil }
        self = .seconds(number * unit)
    }

    package init(sigma node: RuleNode, what: String) throws(RuleError) {
        guard let duration = Duration(sigma: try node.requireText(what)) else {
            throw node.error(.value, "\(what) is a whole number and one of s, m, h, d, w, M, y", advice: "for example 5m")
        }
        guard duration > .zero || what != "timespan" else { throw node.error(.value, "a timespan must be longer than nothing") }
        self = duration
    }

    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
