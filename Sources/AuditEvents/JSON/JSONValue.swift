/// A JSON value (RFC 8259) as the record holds it.
///
/// No `ExpressibleByNilLiteral`: `found ? value : nil` would be JSON's null where an absent member is meant.
/// Integers are kept apart from fractions so that they survive unchanged.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByFloatLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONValue {
    /// The string, or nil for another kind.
    public var string: String? { if case .string(let s) = self { s } else { nil } }
    /// The integer, or nil for another kind.
    public var int: Int64? { if case .int(let i) = self { i } else { nil } }
    /// The object's members, or nil for another kind.
    public var object: JSONObject? { if case .object(let o) = self { o } else { nil } }
    /// The array's elements, or nil for another kind.
    public var array: [JSONValue]? { if case .array(let a) = self { a } else { nil } }
}
