/// Sigma's modifier `expand`: `%name%` stands for each value that the configuration gives it.
enum Placeholders {
    /// Texts that one value may become.
    static let maximumTexts = 10_000

    static func expand(_ text: String, _ node: RuleNode) throws(RuleError) -> [String] {
        var results = [""]
        var rest = text[...]
        while let start = rest.firstIndex(of: "%") {
            let after = rest.index(after: start)
            guard let end = rest[after...].firstIndex(of: "%") else { break }
            let name = String(rest[after..<end])
            let isName =
                !name.isEmpty
                && name.utf8.allSatisfy { $0 == 0x5f || $0 == 0x2d || (48...57).contains($0) || (97...122).contains($0 | 0x20) }
            guard isName else {
                results = results.map { $0 + rest[..<after] }
                rest = rest[after...]
                continue
            }
            guard let values = node.placeholders[name] else {
                throw node.error(
                    .value, "this placeholder has no value", construct: "%\(name)%",
                    advice: "--placeholder \(name)=VALUE,… gives it some; without 'expand' the percent signs are meant as they stand")
            }
            guard results.count * values.count <= maximumTexts else {
                throw node.error(.limit, "a value may become at most \(maximumTexts) texts")
            }
            let before = rest[..<start]
            results = results.flatMap { result in values.map { result + before + $0 } }
            rest = rest[rest.index(after: end)...]
        }
        return results.map { $0 + rest }
    }
}
