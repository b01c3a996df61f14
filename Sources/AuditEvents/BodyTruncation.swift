/// Makes a body that is too large fit: its longest texts are cut, then surplus details dropped, and `truncated` says what it was.
enum BodyTruncation {
    /// - Parameter bytes: the canonical size of `body` before.
    static func fit(_ body: JSONObject, bytes: Int) -> (JSONObject, [UInt8]) {
        var limit = 8192
        while limit >= 64 {
            let fitted = marked(cut(body, strings: limit, elements: max(limit / 8, 16)), bytes: bytes)
            if fitted.1.count <= EventEncoder.maximumBodyBytes { return fitted }
            limit /= 2
        }
        var rest = body
        rest["details"] = nil
        return marked(cut(rest, strings: 64, elements: 16), bytes: bytes)
    }

    private static func marked(_ body: JSONObject, bytes: Int) -> (JSONObject, [UInt8]) {
        var body = body
        body["truncated"] = ["bytes": .int(Int64(bytes))]
        return (body, CanonicalJSON.encode(.object(body)))
    }

    private static func cut(_ object: JSONObject, strings: Int, elements: Int) -> JSONObject {
        JSONObject(object.members.prefix(elements).map { (cut($0.key, strings), cut($0.value, strings: strings, elements: elements)) })
    }

    private static func cut(_ value: JSONValue, strings: Int, elements: Int) -> JSONValue {
        switch value {
        case .string(let text): .string(cut(text, strings))
        case .array(let values): .array(values.prefix(elements).map { cut($0, strings: strings, elements: elements) })
        case .object(let object): .object(cut(object, strings: strings, elements: elements))
        default: value
        }
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        text.utf8.count <= limit ? text : prefix(text, bytes: limit) + "…[truncated \(text.utf8.count - limit) bytes]"
    }

    /// The longest prefix of at most `bytes` bytes that ends on a scalar.
    static func prefix(_ text: String, bytes: Int) -> String {
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, text.utf8[end] & 0xc0 == 0x80 { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
