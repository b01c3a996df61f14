/// One walk over a body before it is stored: secrets out, size and depth bounded, every value one that PostgreSQL's `jsonb` gives back unchanged.
///
/// What is too large to fit in any case is cut before it is searched for secrets, so that the cost of an event is bounded whatever it holds.
struct BodyCleaning {
    /// How deep a body may nest; reading it back, inside a line of JSON, allows twice as much.
    static let maximumDepth = 32
    /// Bytes of names and texts that are looked at, each value counted as `valueCost` more; what fits in a body never comes near it.
    static let budget = 1 << 19
    private static let valueCost = 8
    /// To how much a text is cut that would not fit in any body.
    private static let cutText = 8000
    /// Looked at beyond the cut, for a secret that was cut in two would not be known by its shape.
    private static let margin = 8192

    private var spent = 0
    /// Where something was redacted, as paths.
    private(set) var found: Set<String> = []
    /// Whether something was left out.
    private(set) var isCut = false

    mutating func redacted(_ path: String) {
        if found.count < 1000 { found.insert(path) }
    }

    /// `value` as it may be stored, given the name it stands under.
    mutating func clean(_ value: JSONValue, under name: String, path: @autoclosure () -> String, depth: Int = 1) -> JSONValue {
        spent += BodyCleaning.valueCost
        if let kind = Redaction.secretKind(ofField: name) {
            switch value {
            case .null, .bool: return value
            case .string(let text) where text.isEmpty || Redaction.isMark(text) || Fingerprinter.isFingerprint(text): return value
            default:
                redacted(path())
                return .string("[redacted:\(kind)]")
            }
        }
        switch value {
        case .string(let text): return .string(clean(text, path: path()))
        // `jsonb` writes these out as integers, from which the canonical form could not be had again.
        case .double(let number) where number.isFinite && number.magnitude > 9_007_199_254_740_992:
            return .string(String(decoding: CanonicalJSON.encode(value), as: UTF8.self))
        case .array(let elements):
            guard depth < BodyCleaning.maximumDepth else { return tooDeep() }
            var result: [JSONValue] = []
            for element in elements {
                guard hasBudget() else { break }
                result.append(clean(element, under: "", path: path(), depth: depth + 1))
            }
            return .array(result)
        case .object(let object):
            guard depth < BodyCleaning.maximumDepth else { return tooDeep() }
            return .object(clean(object, path: path(), depth: depth))
        default: return value
        }
    }

    private mutating func clean(_ object: JSONObject, path: @autoclosure () -> String, depth: Int) -> JSONObject {
        // {"name": "Authorization", "value": …}, as HAR files and many loggers write headers.
        let holdsValue = object["value"] != nil || object["values"] != nil
        let named =
            !holdsValue
            ? nil
            : ["name", "key", "header", "field"].lazy.compactMap { object[$0]?.string }.first {
                Redaction.secretKind(ofField: $0) != nil
            }
        var members: [(String, JSONValue)] = []
        members.reserveCapacity(min(object.count, 64))
        for member in object {
            guard hasBudget() else { break }
            let name = clean(member.key, path: path() + ".[name]")
            let promise = named.flatMap { ["value", "values"].contains(member.key) ? $0 : nil } ?? member.key
            members.append(
                (name, clean(member.value, under: promise, path: BodyCleaning.place(of: name, in: path()), depth: depth + 1)))
        }
        return JSONObject(members)
    }

    private static func place(of name: String, in path: String) -> String {
        path + "." + (name.utf8.count <= 256 ? name : BodyTruncation.prefix(name, bytes: 256) + "…")
    }

    /// A text, or a member's name: no secrets, and no NUL, which PostgreSQL stores none of.
    mutating func clean(_ text: String, path: @autoclosure () -> String) -> String {
        let count = text.utf8.count
        guard count > EventEncoder.maximumBodyBytes else {
            spent += count
            let result = Redaction.redact(text)
            if result != nil { redacted(path()) }
            return BodyCleaning.visible(result ?? text)
        }
        isCut = true
        let head = BodyTruncation.prefix(text, bytes: BodyCleaning.cutText + BodyCleaning.margin)
        spent += head.utf8.count
        let result = Redaction.redact(head)
        if result != nil { redacted(path()) }
        let clean = result ?? head
        // Its end may be half a secret.
        let kept = BodyTruncation.prefix(clean, bytes: min(BodyCleaning.cutText, max(0, clean.utf8.count - 1024)))
        return BodyCleaning.visible(BodyTruncation.marked(kept, missing: count - kept.utf8.count))
    }

    /// `text` with NUL written as `\u0000`, as the canonical body has it.
    static func visible(_ text: String) -> String {
        var text = text
        guard text.withUTF8({ $0.contains(0) }) else { return text }
        return String(decoding: text.utf8.flatMap { $0 == 0 ? Array(#"\u0000"#.utf8) : [$0] }, as: UTF8.self)
    }

    private mutating func hasBudget() -> Bool {
        if spent >= BodyCleaning.budget { isCut = true }
        return spent < BodyCleaning.budget
    }

    private mutating func tooDeep() -> JSONValue {
        isCut = true
        return "[nested too deep]"
    }
}
