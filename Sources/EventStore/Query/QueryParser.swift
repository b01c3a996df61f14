public import AuditEvents
import PostgreSQL

extension QueryExpression {
    /// At most so many bytes, terms and values: a query is written by a person.
    public static let maximumBytes = 8192
    public static let maximumTerms = 256
    public static let maximumValues = 1000

    /// Reads the query language: `actor:ada type:authn_* -outcome:success ip:192.0.2.0/24 status:>=500 since:2h "free text"`.
    ///
    /// - Parameter now: what relative times count from.
    /// - Throws: `QueryError`.
    public init(_ text: String, now: Timestamp) throws(QueryError) {
        var parser = QueryParser(text)
        self = try parser.query(now: now)
    }
}

/// Reads scalar by scalar: in Swift a quote with a combining mark is one Character, and so is CR LF.
private struct QueryParser {
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var values = 0
    private let bytes: Int

    init(_ text: String) { (scalars, bytes) = (Array(text.unicodeScalars), text.utf8.count) }

    /// A text with the places of its wildcards, and whether any of it stood in quotes.
    private struct Word {
        var pieces: [QueryExpression.Piece] = []
        var isQuoted = false
        var position: Int
        /// The text as it stands, wildcards as `*`.
        var plain: String {
            pieces.map { if case .text(let text) = $0 { text } else { "*" } }.joined()
        }
        mutating func append(_ scalar: Unicode.Scalar) {
            if case .text(var text)? = pieces.last {
                text.unicodeScalars.append(scalar)
                pieces[pieces.count - 1] = .text(text)
            } else {
                pieces.append(.text(String(Character(scalar))))
            }
        }
    }

    mutating func query(now: Timestamp) throws(QueryError) -> QueryExpression {
        guard bytes <= QueryExpression.maximumBytes else {
            throw QueryError("the query has \(bytes) bytes, of at most \(QueryExpression.maximumBytes)", at: 1)
        }
        var expression = QueryExpression()
        var times: [(name: String, word: Word)] = []
        var zone = Word(position: 1)
        var count = 0
        while true {
            while let scalar = current, isSpace(scalar) { place += 1 }
            guard current != nil else { break }
            count += 1
            guard count <= QueryExpression.maximumTerms else {
                throw QueryError("the query has more than \(QueryExpression.maximumTerms) terms", at: place + 1)
            }
            let start = place
            let isNegated = current == "-"
            if isNegated { place += 1 }
            guard let name = key() else {
                let word = try word(endingAtComma: false)
                guard !word.pieces.isEmpty else { throw QueryError("a word is empty", at: start + 1) }
                expression.add(.text, isNegated: isNegated, [.pattern(word.pieces)])
                try countValue()
                continue
            }
            if QueryKey.settings.contains(name) {
                guard !isNegated else { throw QueryError("\(name): cannot be negated", at: start + 1) }
                let value = try word(endingAtComma: false)
                switch name {
                case "tz": zone = value
                case "own":
                    guard let flag = QueryParser.flag(value.plain) else { throw QueryError("own: is true or false", at: value.position) }
                    expression.own = flag
                default:
                    guard !times.contains(where: { $0.name == name }) else {
                        throw QueryError("\(name): stands there twice", at: start + 1)
                    }
                    times.append((name, value))
                }
                continue
            }
            guard let key = QueryKey(rawValue: name), key != .text else {
                let near = QueryKey.suggestions(for: name)
                throw QueryError(
                    "there is no key '\(name)'", at: start + 1,
                    hint: (near.isEmpty ? "" : "Is it \(near.joined(separator: ", "))? ")
                        + "Keys: \(QueryKey.names.filter { $0 != "text" }.joined(separator: ", ")); a text with a colon stands in quotes.")
            }
            expression.add(key, isNegated: isNegated, try list(key))
        }
        let timeZone: LocalZone
        let zoneName = zone.plain
        do { timeZone = try LocalZone(zoneName.isEmpty ? "UTC" : zoneName) } catch {
            throw QueryError(
                "there is no time zone '\(zoneName)'", at: zone.position, hint: "Use a name of the IANA database, as Europe/Berlin.")
        }
        for (name, word) in times {
            guard let time = TimeExpression.parse(word.plain, now: now, endOfDay: name == "until", zone: timeZone) else {
                throw QueryError(
                    "'\(word.plain)' is no time", at: word.position, hint: "Write 2026-11-23, 2026-11-23T10:00:00Z, 90m, 24h or 7d.")
            }
            if name == "since" { expression.since = time } else { expression.until = time }
        }
        if let since = expression.since, let until = expression.until, since > until {
            throw QueryError("since: is after until:", at: 1)
        }
        return expression
    }

    private var current: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

    private mutating func countValue() throws(QueryError) {
        values += 1
        guard values <= QueryExpression.maximumValues else {
            throw QueryError("the query has more than \(QueryExpression.maximumValues) values", at: place + 1)
        }
    }

    /// The name before a colon, which is left behind; nil where a word stands.
    private mutating func key() -> String? {
        var end = place
        while end < scalars.count, scalars[end] != ":" {
            let scalar = scalars[end]
            guard scalar.isASCII, scalar.properties.isAlphabetic || scalar == "_" || scalar == "-" || ("0"..."9").contains(scalar) else {
                return nil
            }
            end += 1
        }
        guard end < scalars.count, end > place else { return nil }
        defer { place = end + 1 }
        return String(String.UnicodeScalarView(scalars[place..<end])).lowercased()
    }

    private mutating func list(_ key: QueryKey) throws(QueryError) -> [QueryExpression.Value] {
        var list: [QueryExpression.Value] = []
        while true {
            let word = try word(endingAtComma: true)
            guard word.isQuoted || !word.pieces.isEmpty else { throw QueryError("a value of \(key.rawValue): is empty", at: word.position) }
            list.append(try value(word, key))
            try countValue()
            guard current == "," else { return list }
            place += 1
        }
    }

    private mutating func word(endingAtComma: Bool) throws(QueryError) -> Word {
        var word = Word(position: place + 1)
        while let scalar = current, !isSpace(scalar), !(endingAtComma && scalar == ",") {
            place += 1
            switch scalar {
            case "\"":
                word.isQuoted = true
                while true {
                    guard let inner = current else { throw QueryError("a quote is not closed", at: word.position) }
                    place += 1
                    if inner == "\"" { break }
                    if inner == "\\" {
                        guard let escaped = current else { throw QueryError("a quote is not closed", at: word.position) }
                        place += 1
                        word.append(escaped)
                    } else {
                        word.append(inner)
                    }
                }
            case "*": if word.pieces.last != .any { word.pieces.append(.any) }
            case "\\":
                guard let escaped = current else { throw QueryError("nothing follows the backslash", at: place) }
                place += 1
                word.append(escaped)
            default: word.append(scalar)
            }
        }
        return word
    }

    // MARK: Values

    private func value(_ word: Word, _ key: QueryKey) throws(QueryError) -> QueryExpression.Value {
        if word.pieces == [.any] { return .present }
        let text = word.plain
        func wrong(_ what: String) -> QueryError { QueryError("'\(text)' is no \(key.rawValue)", at: word.position, hint: what) }
        switch key.kind {
        case .pattern: return .pattern(word.pieces)
        case .words(let words):
            if word.pieces.contains(.any) { return .pattern(word.pieces) }
            guard words.contains(text.lowercased()) else { throw wrong("It is \(words.joined(separator: ", ")).") }
            return .exactly(text.lowercased())
        case .flag:
            guard let flag = QueryParser.flag(text) else { throw wrong("It is true or false.") }
            return .flag(flag)
        case .address:
            guard PostgresInet(text).isValid else { throw wrong("It is an address, or a network as 192.0.2.0/24.") }
            return .exactly(text)
        case .uuid:
            guard let id = PostgresUUID(text) else { throw wrong("It is a whole id.") }
            return .exactly(id.description)
        case .number:
            if key == .status, text.count == 3, text.lowercased().hasSuffix("xx"), let first = Int64(text.prefix(1)) {
                return .range(first * 100, first * 100 + 99)
            }
            guard let range = QueryParser.range(text, { Int64($0) }) else { throw wrong("It is a number, 400..499, or >=500.") }
            return range
        case .severity:
            let names = Severity.allCases
            guard
                let range = QueryParser.range(
                    text, { part in names.first { $0.name == part.lowercased() }.map { Int64($0.rawValue) } ?? Int64(part) })
            else { throw wrong("It is \(names.map(\.name).joined(separator: ", ")), 0 to 6, or >=high.") }
            return range
        case .duration:
            guard let range = QueryParser.range(text, QueryParser.microseconds) else { throw wrong("It is 250ms, >2s, or 1s..5s.") }
            return range
        }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes": true
        case "false", "no": false
        default: nil
        }
    }

    /// `5`, `5..9`, `5-9`, `>5`, `>=5`, `<5`, `<=5`.
    private static func range(_ text: String, _ number: (String) -> Int64?) -> QueryExpression.Value? {
        for (sign, make) in [
            (">=", { QueryExpression.Value.range($0, .max) }), ("<=", { .range(.min, $0) }),
            (">", { .range($0 == .max ? .max : $0 + 1, .max) }), ("<", { .range(.min, $0 == .min ? .min : $0 - 1) }),
        ] as [(String, (Int64) -> QueryExpression.Value)] where text.hasPrefix(sign) {
            return number(String(text.dropFirst(sign.count))).map(make)
        }
        if let one = number(text) { return .range(one, one) }
        for separator in ["..", "-"] {
            guard let at = text.firstRange(of: separator), let low = number(String(text[..<at.lowerBound])),
                let high = number(String(text[at.upperBound...])),
                low <= high
            else { continue }
            return .range(low, high)
        }
        return nil
    }

    private static func microseconds(_ text: String) -> Int64? {
        for (unit, scale) in [("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000)] as [(String, Int64)] where text.hasSuffix(unit)
        {
            guard let count = Int64(text.dropLast(unit.count)), count >= 0 else { return nil }
            let (product, overflows) = count.multipliedReportingOverflow(by: scale)
            return overflows ? nil : product
        }
        return nil
    }
}
