import AuditEvents

/// A request line as a log shows it: `GET /path?query HTTP/1.1`, or whatever else a client sent.
struct AccessRequest {
    private(set) var method: Bytes?
    private(set) var target: Bytes?
    private(set) var version: Bytes?
    private let whole: Bytes

    /// - Parameter bytes: the request line, still escaped.
    init(_ bytes: Bytes) { self.init(verbatim: bytes.unescaped) }

    /// - Parameter bytes: the request line as the client sent it.
    init(verbatim bytes: Bytes) {
        whole = bytes
        var rest = whole
        let word = rest.takeField()
        guard Self.isMethod(word), !rest.isEmpty else { return }
        method = word
        if let space = rest.lastIndex(of: UInt8(ascii: " ")), rest[(space + 1)...].starts(with: "HTTP/") {
            version = rest[(space + 1)...]
            rest = rest[..<space]
        }
        target = rest
    }

    /// Letters, at most 20: what a method looks like. Anything else is kept as the whole request.
    private static func isMethod(_ word: Bytes) -> Bool {
        (1...20).contains(word.count) && word.allSatisfy { (65...90).contains($0) || (97...122).contains($0) }
    }

    func enter(into record: inout LogRecord) {
        guard let method, let target else {
            if !whole.isEmpty, !whole.equals("-") { record.body.details["request"] = .string(whole.text) }
            return
        }
        record.method = method.text
        record.body.path = target.text
        if let version { record.body.details["protocol"] = .string(version.text) }
    }
}
