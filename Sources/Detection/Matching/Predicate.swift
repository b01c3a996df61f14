/// A rule's detection made ready to be judged: fields are slots, texts are lower-cased bytes.
indirect enum Predicate: Sendable {
    case all([Predicate])
    case any([Predicate])
    case not(Predicate)
    /// A field, by its slot, holds what the test wants.
    case field(Int, ValueTest)
    /// Some text of the event holds what the test wants.
    case keyword(ValueTest)
    /// A field stands to another as a test wants: slots, shape, whether letters are compared as written.
    case reference(Int, Int, SigmaTest.ReferenceShape, Bool)

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
        case .reference(let slot, let other, let shape, let isCased):
            let wanted = contents[other].map { isCased ? $0.original : $0.lowered }
            for text in contents[slot].map({ isCased ? $0.original : $0.lowered }) {
                for other in wanted where shape.holds(text, other) { return true }
            }
            return false
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
    case time(TimePart, SigmaTest.Comparison?, Int)

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
                let holds = comparison.holds(number, bound)
                if holds { return true }
            }
            return false
        case .time(let part, let comparison, let bound):
            for text in texts {
                guard let number = part.value(of: text.original) else { continue }
                if comparison?.holds(Double(number), Double(bound)) ?? (number == bound) { return true }
            }
            return false
        }
    }
}

extension SigmaTest.Comparison {
    func holds(_ number: Double, _ bound: Double) -> Bool {
        switch self {
        case .gt: number > bound
        case .gte: number >= bound
        case .lt: number < bound
        case .lte: number <= bound
        }
    }
}

extension SigmaTest.ReferenceShape {
    func holds(_ text: [UInt8], _ other: [UInt8]) -> Bool {
        switch self {
        case .equals: text == other
        case .contains: TextMatcher.find(other, in: text, from: 0) != nil
        case .startsWith: text.starts(with: other)
        case .endsWith: text.count >= other.count && text.suffix(other.count).elementsEqual(other)
        }
    }
}
