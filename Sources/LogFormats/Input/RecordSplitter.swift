/// Cuts a file into lines, or into the elements of its JSON array where the file begins with one: `[{…}, {…}]` or `{"Records": [{…}]}`.
///
/// Several such documents may follow each other. After something else, what remains is lines.
struct RecordSplitter: Sendable {
    private enum State: Sendable {
        /// What the file is shows in its first bytes.
        case undecided([UInt8])
        case lines
        case elements
        /// Behind an array.
        case after
    }

    private var state: State = .undecided([])
    private var splitter: LineSplitter
    private let limit: Int
    private var element: [UInt8] = []
    private var length = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    private static let decisive = 256

    init(limit: Int = LineSplitter.defaultLimit) {
        splitter = LineSplitter(limit: limit)
        self.limit = max(1, limit)
    }

    mutating func push(_ chunk: ArraySlice<UInt8>, _ body: (LineSplitter.Line) throws -> Void) rethrows {
        if case .lines = state { return try splitter.push(chunk, body) }
        var rest = chunk
        while !rest.isEmpty {
            switch state {
            case .lines:
                try splitter.push(rest, body)
                return
            case .undecided(var head):
                head.append(contentsOf: rest)
                guard let start = Self.arrayStart(head[...], isWhole: head.count >= Self.decisive) else {
                    state = .undecided(head)
                    return
                }
                state = start > 0 ? .elements : .lines
                rest = head[start...]
            case .after:
                // The brace of `{"Records": […]}`, commas of its further members and their values up to it are no events.
                while let first = rest.first, !(first == UInt8(ascii: "\n") || first == UInt8(ascii: "[") || first == UInt8(ascii: "{")) {
                    rest.removeFirst()
                }
                while let first = rest.first, Self.isSpace(first) { rest.removeFirst() }
                if !rest.isEmpty { state = .undecided([]) }
            case .elements: try takeElements(&rest, body)
            }
        }
    }

    mutating func finish(_ body: (LineSplitter.Line) throws -> Void) rethrows {
        switch state {
        case .undecided(let head):
            state = .lines
            if let start = Self.arrayStart(head[...], isWhole: true), start > 0 {
                state = .elements
                var rest = head[start...]
                try takeElements(&rest, body)
                if !element.isEmpty { try emit(body) }
            } else {
                try splitter.push(head[...], body)
            }
        case .elements where !element.isEmpty: try emit(body)
        default: break
        }
        try splitter.finish(body)
        state = .undecided([])
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// Where the array's elements begin: 0 where the text is no such document, nil where more of it is needed.
    private static func arrayStart(_ head: Bytes, isWhole: Bool) -> Int? {
        var rest = head
        _ = rest.consume("\u{FEFF}")
        func skipSpace() { while let first = rest.first, isSpace(first) { rest.removeFirst() } }
        func undecided() -> Int? { isWhole ? 0 : nil }
        skipSpace()
        guard let first = rest.first else { return undecided() }
        if first == UInt8(ascii: "{") {
            for word: StaticString in ["{", "\"Records\"", ":", "["] {
                skipSpace()
                if rest.count < word.utf8CodeUnitCount {
                    return rest.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: rest.count)) ? undecided() : 0
                }
                guard rest.consume(word) else { return 0 }
            }
        } else if first == UInt8(ascii: "[") {
            rest.removeFirst()
        } else {
            return 0
        }
        skipSpace()
        guard let inner = rest.first else { return undecided() }
        return inner == UInt8(ascii: "{") ? rest.startIndex : 0
    }

    /// Takes elements up to the end of the array; what lies between them is left out.
    private mutating func takeElements(_ rest: inout Bytes, _ body: (LineSplitter.Line) throws -> Void) rethrows {
        var position = rest.startIndex
        var start = position
        while position < rest.endIndex {
            let byte = rest[position]
            position += 1
            if depth == 0 {
                start = position
                if byte == UInt8(ascii: "{") {
                    depth = 1
                    start = position - 1
                } else if byte == UInt8(ascii: "]") {
                    state = .after
                    rest = rest[position...]
                    return
                }
                continue
            }
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    keep(rest[start..<position])
                    try emit(body)
                    start = position
                }
            default: break
            }
        }
        if depth > 0 { keep(rest[start...]) }
        rest = rest.suffix(0)
    }

    private mutating func keep(_ bytes: Bytes) {
        length += bytes.count
        if element.count <= limit { element.append(contentsOf: bytes.prefix(limit + 1 - element.count)) }
    }

    private mutating func emit(_ body: (LineSplitter.Line) throws -> Void) rethrows {
        let line = element[...]
        let isTooLong = length > limit
        element = []
        length = 0
        (depth, isInString, isEscaped) = (0, false, false)
        try body(isTooLong ? .tooLong(prefix: line.prefix(limit), limit: limit) : .line(line))
    }
}
