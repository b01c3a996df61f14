public import AuditEvents

/// A JSON Schema (2020-12), as OpenAPI 3.1 uses it.
public struct JSONSchema: Sendable, Hashable {
    public var json: JSONObject
    /// The named schemas that it refers to, itself included where it has a name.
    var components: [String: JSONObject] = [:]

    public init(_ json: JSONObject) { self.json = json }

    /// Text; lengths in characters, that is Unicode scalars.
    public static func string(length: ClosedRange<Int>? = nil, pattern: String? = nil, format: String? = nil) -> JSONSchema {
        var json: JSONObject = ["type": "string"]
        if let length {
            json["minLength"] = .int(Int64(length.lowerBound))
            json["maxLength"] = .int(Int64(length.upperBound))
        }
        if let pattern { json["pattern"] = .string(pattern) }
        if let format { json["format"] = .string(format) }
        return JSONSchema(json)
    }

    public static let string = JSONSchema.string()

    /// One of these texts.
    public static func oneOf(_ values: String...) -> JSONSchema {
        JSONSchema(["type": "string", "enum": .array(values.map { .string($0) })])
    }

    public static func integer(minimum: Int64? = nil, maximum: Int64? = nil) -> JSONSchema {
        var json: JSONObject = ["type": "integer"]
        if let minimum { json["minimum"] = .int(minimum) }
        if let maximum { json["maximum"] = .int(maximum) }
        return JSONSchema(json)
    }

    public static let integer = JSONSchema.integer()
    public static let boolean = JSONSchema(["type": "boolean"])

    public static func array(of element: JSONSchema) -> JSONSchema {
        var schema = JSONSchema(["type": "array", "items": .object(element.json)])
        schema.components = element.components
        return schema
    }

    /// An object with these members, all of which are there but the `optional` ones; others may be.
    public static func object(_ members: KeyValuePairs<String, JSONSchema>, optional: [String] = []) -> JSONSchema {
        let required = members.map(\.key).filter { !optional.contains($0) }
        var schema = JSONSchema(["type": "object", "properties": .object(JSONObject(members.map { ($0.key, .object($0.value.json)) }))])
        if !required.isEmpty { schema.json["required"] = .array(required.map { .string($0) }) }
        for member in members { schema.components.merge(member.value.components) { $1 } }
        return schema
    }

    /// The same under a name: it stands once in the document, and is referred to.
    public func named(_ name: String) -> JSONSchema {
        var schema = JSONSchema(["$ref": .string("#/components/schemas/\(name)")])
        schema.components = components
        schema.components[name] = json
        return schema
    }

    /// A problem document (RFC 9457).
    public static let problem = JSONSchema.object(
        ["type": .string(format: "uri-reference"), "title": .string, "status": .integer(minimum: 400, maximum: 599), "detail": .string],
        optional: ["detail"]
    ).named("Problem")
}
