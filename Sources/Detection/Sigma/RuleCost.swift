/// What the documents of one file may grow to while they are read: a few bytes can ask for thousands of texts, instructions or copies.
final class RuleCost {
    /// About bytes. A file of the largest size that writes everything out stays far below.
    static let maximum = 32_000_000

    private(set) var total = 0

    /// - Returns: false when it is too much, now and from then on.
    func add(_ bytes: Int) -> Bool {
        total = min(total + bytes, Self.maximum + 1)
        return total <= Self.maximum
    }
}

extension RuleNode {
    /// - Throws: `RuleError` where the file grows to more than `RuleCost.maximum`.
    func charge(_ bytes: Int) throws(RuleError) {
        guard let cost, !cost.add(bytes) else { return }
        throw error(
            .limit, "the file becomes too large when its values, regular expressions, conditions and actions are written out",
            advice: "split it, or use fewer modifiers, smaller repetition counts and shorter conditions")
    }
}
