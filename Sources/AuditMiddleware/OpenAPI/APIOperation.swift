public import HTTPTypes

/// What a route does: its part of the OpenAPI document.
///
/// What the layers before it answer (401, 403, 429, 503, and 400, 413 and 415 where it takes a body) need not be said.
///
/// ```swift
/// APIOperation("Adds a book", takes: newBook, gives: [.created: .json(book)], fails: [.unprocessableContent])
/// ```
public struct APIOperation: Sendable {
    /// A parameter of the path, the query or the header.
    public struct Parameter: Sendable {
        public enum Place: String, Sendable { case path, query, header }
        public var name: String
        public var place: Place
        public var schema: JSONSchema
        public var isRequired: Bool
        public var description: String?

        public static func path(_ name: String, _ schema: JSONSchema, _ description: String? = nil) -> Parameter {
            Parameter(name: name, place: .path, schema: schema, isRequired: true, description: description)
        }
        public static func query(_ name: String, _ schema: JSONSchema, required: Bool = false, _ description: String? = nil) -> Parameter {
            Parameter(name: name, place: .query, schema: schema, isRequired: required, description: description)
        }
        public static func header(_ name: String, _ schema: JSONSchema, required: Bool = false, _ description: String? = nil) -> Parameter {
            Parameter(name: name, place: .header, schema: schema, isRequired: required, description: description)
        }
    }

    /// What a response bears.
    public struct Answer: Sendable {
        var contentType: String?
        var schema: JSONSchema?
        /// The names of header fields that are there.
        var headers: [String] = []

        /// Nothing.
        public static let empty = Answer()
        public static func json(_ schema: JSONSchema, headers: String...) -> Answer {
            Answer(contentType: "application/json", schema: schema, headers: headers)
        }
        public static func content(_ type: String, _ schema: JSONSchema = .string, headers: String...) -> Answer {
            Answer(contentType: type, schema: schema, headers: headers)
        }
    }

    public var summary: String
    public var tag: String?
    /// Those of the path need not be said unless more is known of them than that they are text.
    public var parameters: [Parameter]
    /// What it takes; it is required.
    public var body: JSONSchema?
    /// The body's media type: JSON, or a form (`application/x-www-form-urlencoded`).
    public var bodyType = "application/json"
    public var answers: [(status: HTTPResponse.Status, answer: Answer)]
    /// The statuses of its own problem documents.
    public var problems: [HTTPResponse.Status]

    public init(
        _ summary: String, tag: String? = nil, parameters: [Parameter] = [], takes body: JSONSchema? = nil,
        gives answers: KeyValuePairs<HTTPResponse.Status, Answer>, fails problems: [HTTPResponse.Status] = []
    ) {
        self.summary = summary
        self.tag = tag
        self.parameters = parameters
        self.body = body
        self.answers = answers.map { ($0.key, $0.value) }
        self.problems = problems
    }

    /// The same for an operation that takes a form, its fields as members of an object.
    func takingForm(_ fields: JSONSchema) -> APIOperation {
        var operation = self
        (operation.body, operation.bodyType) = (fields, "application/x-www-form-urlencoded")
        return operation
    }
}
