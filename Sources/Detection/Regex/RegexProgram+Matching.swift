extension RegexProgram {
    /// Whether the expression matches anywhere in `text`.
    func matches(_ text: [UInt8]) -> Bool {
        var current = RegexThreads(capacity: code.count)
        var following = RegexThreads(capacity: code.count)
        var stack: [Int32] = []
        for position in 0...text.count {
            if current.count == 0, let firstBytes {
                guard position < text.count else { return false }
                if !firstBytes[Int(text[position])] { continue }
            }
            if add(0, at: position, of: text, to: &current, &stack) { return true }
            guard position < text.count else { return false }
            let byte = text[position]
            following.removeAll()
            for index in 0..<current.count {
                let thread = current[index]
                if case .bytes(let low, let high) = code[Int(thread)], byte >= low, byte <= high,
                    add(thread + 1, at: position + 1, of: text, to: &following, &stack)
                {
                    return true
                }
            }
            swap(&current, &following)
        }
        return false
    }

    /// Adds a thread and all that it leads to without a byte; true when one of them is the match.
    private func add(
        _ start: Int32, at position: Int, of text: [UInt8], to threads: inout RegexThreads, _ stack: inout [Int32]
    ) -> Bool {
        stack.append(start)
        while let next = stack.popLast() {
            guard threads.insert(next) else { continue }
            switch code[Int(next)] {
            case .match:
                stack.removeAll(keepingCapacity: true)
                return true
            case .jump(let target): stack.append(target)
            case .split(let a, let b):
                stack.append(b)
                stack.append(a)
            case .assertion(let assertion): if holds(assertion, at: position, of: text) { stack.append(next + 1) }
            case .bytes: break
            }
        }
        return false
    }

    private func holds(_ assertion: RegexNode.Assertion, at position: Int, of text: [UInt8]) -> Bool {
        switch assertion {
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .lineStart: position == 0 || text[position - 1] == 10
        case .lineEnd: position == text.count || text[position] == 10
        case .wordBoundary: isWord(text, position - 1) != isWord(text, position)
        case .notWordBoundary: isWord(text, position - 1) == isWord(text, position)
        }
    }

    private func isWord(_ text: [UInt8], _ position: Int) -> Bool {
        guard position >= 0, position < text.count else { return false }
        let c = text[position]
        return (48...57).contains(c) || (97...122).contains(c | 0x20) || c == 95
    }
}

/// A set of program positions that is emptied in no time (Briggs and Torczon, "An Efficient Representation for Sparse Sets", 1993).
private struct RegexThreads {
    private var dense: [Int32]
    private var sparse: [Int32]
    private(set) var count = 0

    init(capacity: Int) {
        dense = Array(repeating: 0, count: capacity)
        sparse = Array(repeating: 0, count: capacity)
    }

    subscript(_ index: Int) -> Int32 { dense[index] }

    mutating func insert(_ value: Int32) -> Bool {
        let place = Int(sparse[Int(value)])
        if place < count, dense[place] == value { return false }
        dense[count] = value
        sparse[Int(value)] = Int32(count)
        count += 1
        return true
    }

    mutating func removeAll() { count = 0 }
}
