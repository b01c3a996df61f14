/// A rule's detection made ready to be judged: fields are slots, texts are lower-cased bytes.
indirect enum Predicate: Sendable {
    case all([Predicate])
    case any([Predicate])
    case not(Predicate)
    /// A field, by its slot, holds what the test wants.
    case field(Int, ValueTest)
    /// Some text of the event holds what the test wants.
    case keyword(ValueTest)

    func holds(_ contents: inout EventContents) -> Bool {
        switch self {
        case .all(let parts):
            for part in parts where !part.holds(&contents) { return false }
            return true
        case .any(let parts):
            for part in parts where part.holds(&contents) { return true }
            return false
        case .not(let part): return !part.holds(&contents)
        case .field(let slot, let test): return test.holds(contents[slot])
        case .keyword(let test): return test.holds(contents.keywordTexts)
        }
    }
}

/// What one value of a rule asks of a field's content.
enum ValueTest: Sendable {
    /// The field is missing or empty.
    case null
    case exists(Bool)
    case text(TextMatcher)
    /// One of many whole texts.
    case oneOf(Set<[UInt8]>)
    case regex(RegexProgram)
    case network(AddressRange)
    case compare(SigmaTest.Comparison, Double)

    /// - Parameter texts: the field's content; several for a list, of which one must do.
    func holds(_ texts: [EventContents.Text]) -> Bool {
        switch self {
        case .null: return texts.allSatisfy { $0.original.isEmpty }
        case .exists(let wanted): return texts.isEmpty != wanted
        case .text(let matcher):
            for text in texts where matcher.matches(matcher.isCased ? text.original : text.lowered) { return true }
            return false
        case .oneOf(let set):
            for text in texts where set.contains(text.lowered) { return true }
            return false
        case .regex(let program):
            for text in texts where program.matches(text.original) { return true }
            return false
        case .network(let range):
            for text in texts where range.contains(text.original) { return true }
            return false
        case .compare(let comparison, let bound):
            for text in texts {
                guard let number = Double(String(decoding: text.original, as: UTF8.self)) else { continue }
                let holds =
                    switch comparison {
                    case .gt: number > bound
                    case .gte: number >= bound
                    case .lt: number < bound
                    case .lte: number <= bound
                    }
                if holds { return true }
            }
            return false
        }
    }
}
