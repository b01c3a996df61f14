/// One SQL statement: its text with the placeholders `$1`, `$2`, …, and the values bound to them, already in binary form.
///
/// A string literal with interpolations makes one: a value becomes a bind, never text.
///
///     "SELECT id FROM account WHERE name = \(name) AND active = \(true)"
///
/// `\(identifier: table)` quotes a name, `\(unsafe: text)` splices text as it is, and `\(condition)` splices another `SQL`, its
/// binds renumbered. A bind has the type of its Swift value (`Int` is `bigint`, `String` is `text`, …); cast where the server
/// wants another: `\(address)::inet`.
public struct SQL: Sendable {
    public private(set) var text: String
    var binds: BindBuffer
    /// The UTF-8 offsets in `text` of the placeholders, known for texts made by interpolation; they can be renumbered.
    private var placeholders: [Int]?

    /// A statement with placeholders written by hand.
    public init(_ text: String, _ binds: [any PostgresEncodable] = []) {
        self.text = text
        self.binds = BindBuffer()
        for bind in binds { self.binds.append(bind) }
        placeholders = binds.isEmpty ? [] : nil
    }

    init() {
        text = ""
        binds = BindBuffer()
        placeholders = []
    }

    /// The number of bound values.
    public var bindCount: Int { binds.values.count }

    /// The statement followed by another; the binds of the other are renumbered.
    public mutating func append(_ other: SQL) {
        guard other.bindCount > 0 else {
            text += other.text
            return
        }
        guard let offsets = other.placeholders, placeholders != nil else {
            binds.refusal =
                binds.refusal ?? PostgresError(.usage, "a statement with placeholders written by hand cannot be combined with another")
            return
        }
        let utf8 = other.text.utf8
        let source = Array(utf8)
        var from = 0
        for (number, offset) in offsets.enumerated() {
            text += String(decoding: source[from..<offset], as: UTF8.self)
            appendPlaceholder(binds.values.count + number + 1)
            from = offset + 1
            while from < source.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(source[from]) { from += 1 }
        }
        text += String(decoding: source[from...], as: UTF8.self)
        binds.append(contentsOf: other.binds)
    }

    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    mutating func append(text literal: String) {
        text += literal
    }

    mutating func bind<Value: PostgresEncodable>(_ value: Value) {
        binds.append(value)
        appendPlaceholder(binds.values.count)
    }

    mutating func refuse(_ error: PostgresError) {
        binds.refusal = binds.refusal ?? error
    }

    private mutating func appendPlaceholder(_ number: Int) {
        placeholders?.append(text.utf8.count)
        text += "$"
        text += String(number)
    }
}

extension SQL: ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {
        self.init(value)
    }

    public init(stringInterpolation: StringInterpolation) {
        self = stringInterpolation.sql
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        var sql: SQL

        public init(literalCapacity: Int, interpolationCount: Int) {
            sql = SQL()
            sql.reserve(text: literalCapacity + interpolationCount * 3, binds: interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) {
            sql.append(text: literal)
        }

        /// A bind.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
            sql.bind(value)
        }

        /// A bind, NULL for nil.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            sql.bind(value)
        }

        /// Another statement or part of one, with its binds.
        public mutating func appendInterpolation(_ part: SQL) {
            sql.append(part)
        }

        /// Text that goes into the statement as it is. Never for what a person or a file brought.
        public mutating func appendInterpolation(unsafe text: String) {
            sql.append(text: text)
        }

        /// A name in double quotes.
        public mutating func appendInterpolation(identifier name: String) {
            sql.append(text: SQL.quoted(identifier: name))
        }
    }

    private mutating func reserve(text textCapacity: Int, binds bindCount: Int) {
        text.reserveCapacity(textCapacity)
        binds.values.reserveCapacity(bindCount)
    }

    /// A name in double quotes, those inside it doubled.
    public static func quoted(identifier name: String) -> String {
        quoted(name, UInt8(ascii: "\""))
    }

    /// A string constant, for statements that take no binds (`SET`, `CREATE ROLE … PASSWORD`). Binds are better wherever they work.
    public static func quoted(literal text: String) -> String {
        // A backslash means itself in plain quotes only under standard_conforming_strings; E'' means the same under any setting.
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return quoted(text, UInt8(ascii: "'")) }
        let doubled = text.utf8.flatMap { $0 == UInt8(ascii: "\\") ? [$0, $0] : [$0] }
        return " E" + quoted(String(decoding: doubled, as: UTF8.self), UInt8(ascii: "'"))
    }

    private static func quoted(_ text: String, _ quote: UInt8) -> String {
        var bytes: [UInt8] = [quote]
        for byte in text.utf8 {
            bytes.append(byte)
            if byte == quote { bytes.append(quote) }
        }
        bytes.append(quote)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Sequence<SQL> {
    /// The parts in one statement, with a separator such as `" AND "` between them.
    public func joined(separator: String) -> SQL {
        var all = SQL()
        var isFirst = true
        for part in self {
            if !isFirst { all.append(text: separator) }
            isFirst = false
            all.append(part)
        }
        return all
    }
}
