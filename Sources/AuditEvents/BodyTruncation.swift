/// Makes a body that is too large fit: its longest texts are cut, then surplus details dropped, and `truncated` says what it was.
enum BodyTruncation {
    /// - Parameter bytes: the size of the body before, told in the mark.
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

    /// The body with its mark, and its canonical form.
    static func marked(_ body: JSONObject, bytes: Int) -> (JSONObject, [UInt8]) {
        var body = body
        body["truncated"] = ["bytes": .int(Int64(bytes))]
        return (body, CanonicalJSON.encode(.object(body)))
    }

    /// At least how many bytes `value` takes as JSON, without writing it; what nests deeper than a few hundred levels, and what comes after
    /// `values` values, is not counted.
    static func estimate(_ value: JSONValue) -> Int {
        var values = 500_000
        return estimate(value, depth: 0, &values)
    }

    private static func estimate(_ value: JSONValue, depth: Int, _ values: inout Int) -> Int {
        values -= 1
        guard depth < 256, values > 0 else { return 0 }
        var bytes = 2
        switch value {
        case .string(let text): bytes += text.utf8.count
        case .array(let elements):
            for element in elements where values > 0 { bytes += estimate(element, depth: depth + 1, &values) + 1 }
        case .object(let object):
            for member in object where values > 0 { bytes += member.key.utf8.count + 4 + estimate(member.value, depth: depth + 1, &values) }
        case .null, .bool, .int, .double: break
        }
        return bytes
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

    private static let mark = Array("…[truncated ".utf8)

    private static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        let kept = prefix(text, bytes: limit)
        return marked(kept, missing: text.utf8.count - kept.utf8.count + missing(in: text))
    }

    /// `kept`, with the mark of a text of which `missing` bytes were cut.
    static func marked(_ kept: String, missing: Int) -> String { "\(kept)…[truncated \(missing) bytes]" }

    /// What the mark at the end of `text` says to be missing already, less the mark itself.
    private static func missing(in text: String) -> Int {
        let tail = Array(text.utf8.suffix(48))
        guard text.utf8.last == UInt8(ascii: "]"), let start = tail.indices.last(where: { tail[$0...].starts(with: mark) }) else {
            return 0
        }
        let digits = tail[(start + mark.count)...].prefix { (48...57).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self)).map { $0 - (tail.count - start) } ?? 0
    }

    /// The longest prefix of at most `bytes` bytes that ends on a scalar.
    static func prefix(_ text: String, bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, text.utf8[end] & 0xc0 == 0x80 { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
