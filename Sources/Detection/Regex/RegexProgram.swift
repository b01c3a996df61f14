/// A regular expression compiled for Thompson's simulation over UTF-8: the time is at most the text's length times the program's, whatever
/// the text (Ken Thompson, "Regular Expression Search Algorithm", CACM 11(6), 1968).
struct RegexProgram: Sendable, Hashable {
    enum Instruction: Sendable, Hashable {
        case bytes(UInt8, UInt8)
        case split(Int32, Int32)
        case jump(Int32)
        case assertion(RegexNode.Assertion)
        case match
    }

    /// Instructions of a program.
    static let maximumLength = 5_000
    /// Bytes of an expression.
    static let maximumText = 4_096

    private(set) var code: [Instruction] = []
    /// The bytes that a match may begin with; nil where it may be empty or begin with an assertion.
    private(set) var firstBytes: [Bool]?

    init(_ text: String, options: RegexOptions = RegexOptions()) throws(RegexError) {
        guard text.utf8.count <= Self.maximumText else {
            throw RegexError(message: "an expression may have at most \(Self.maximumText) bytes")
        }
        try emit(try RegexParser.parse(text, options: options))
        try append(.match)
        firstBytes = findFirstBytes()
    }

    private mutating func append(_ instruction: Instruction) throws(RegexError) {
        guard code.count < Self.maximumLength else {
            throw RegexError(message: "the expression is too large", advice: "use smaller repetition counts")
        }
        code.append(instruction)
    }

    private mutating func emit(_ node: RegexNode) throws(RegexError) {
        switch node {
        case .empty: break
        case .assertion(let assertion): try append(.assertion(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .characters(let ranges):
            try emitAlternatives(ranges.flatMap(CharacterRanges.utf8)) { (program, bytes) throws(RegexError) in
                for range in bytes { try program.append(.bytes(range.lowerBound, range.upperBound)) }
            }
        case .alternatives(let nodes): try emitAlternatives(nodes) { (program, node) throws(RegexError) in try program.emit(node) }
        case .repetition(let node, let low, let high):
            for _ in 0..<low {
                let before = code.count
                try emit(node)
                if code.count == before { break }  // Nothing, however often, is nothing.
            }
            if let high {
                var exits: [Int] = []
                for _ in low..<high {
                    exits.append(code.count)
                    try append(.split(0, 0))
                    try emit(node)
                }
                for exit in exits { code[exit] = .split(Int32(exit + 1), Int32(code.count)) }
            } else {
                let split = code.count
                try append(.split(0, 0))
                try emit(node)
                try append(.jump(Int32(split)))
                code[split] = .split(Int32(split + 1), Int32(code.count))
            }
        }
    }

    private mutating func emitAlternatives<Item>(
        _ items: [Item], _ emit: (inout RegexProgram, Item) throws(RegexError) -> Void
    ) throws(RegexError) {
        var exits: [Int] = []
        for (offset, item) in items.enumerated() {
            guard offset < items.count - 1 else {
                try emit(&self, item)
                break
            }
            let split = code.count
            try append(.split(0, 0))
            try emit(&self, item)
            exits.append(code.count)
            try append(.jump(0))
            code[split] = .split(Int32(split + 1), Int32(code.count))
        }
        // No character at all matches an empty class: a range that no byte is in.
        if items.isEmpty { try append(.bytes(1, 0)) }
        for exit in exits { code[exit] = .jump(Int32(code.count)) }
    }

    private func findFirstBytes() -> [Bool]? {
        var first = [Bool](repeating: false, count: 256)
        var seen = [Bool](repeating: false, count: code.count)
        var stack: [Int] = [0]
        while let position = stack.popLast() {
            if seen[position] { continue }
            seen[position] = true
            switch code[position] {
            case .match, .assertion: return nil
            case .jump(let target): stack.append(Int(target))
            case .split(let a, let b): stack += [Int(a), Int(b)]
            case .bytes(let low, let high): if low <= high { for byte in low...high { first[Int(byte)] = true } }
            }
        }
        return first
    }
}
