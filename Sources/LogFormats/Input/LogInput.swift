/// Why the bytes of a log could not be read to their end. Lines before that place were given all the same.
public struct LogInputError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The gzip stream ends within a member.
        case truncated
        /// The gzip stream is damaged, or followed by something else.
        case damaged
        /// Compressed in a way that is not gzip.
        case unsupportedCompression
        /// Text of 16-bit units.
        case unsupportedEncoding
    }

    public var code: Code
    public var detail: String
    public var description: String { detail }

    init(code: Code, detail: String) { (self.code, self.detail) = (code, detail) }
}

/// The lines of a log file, plain or gzip: which it is shows in its first bytes. Of a file that is one array of JSON (Okta's exports, CloudTrail's
/// `{"Records": […]}`) each element is a line.
///
/// Feed it the file in pieces of any size; memory stays bounded whatever the pieces expand to.
public struct LogInput: ~Copyable {
    private var splitter: RecordSplitter
    /// The first bytes, until there are enough of them to tell what the file is.
    private var head: [UInt8]? = []
    private var inflater: GzipInflater?
    private var hasFailed = false

    /// - Parameter lineLimit: see `LineSplitter`.
    public init(lineLimit: Int = LineSplitter.defaultLimit) { splitter = RecordSplitter(limit: lineLimit) }

    /// Gives `body` the lines that end in these bytes.
    ///
    /// - Throws: `LogInputError`, after the lines before it were given; whatever `body` throws. After an error nothing more is read.
    public mutating func push(_ bytes: ArraySlice<UInt8>, _ body: (LineSplitter.Line) throws -> Void) throws {
        if hasFailed { return }
        guard var first = head else { return try read(bytes, body) }
        first.append(contentsOf: bytes)
        head = first
        if first.count >= Self.headLength { try decide(body) }
    }

    /// Gives `body` the last line where it has no line end.
    ///
    /// - Throws: `LogInputError` where a gzip stream ends early, after its last line was given; whatever `body` throws.
    public mutating func finish(_ body: (LineSplitter.Line) throws -> Void) throws {
        if head != nil { try decide(body) }
        try splitter.finish(body)
        if !hasFailed { try inflater?.finish() }
    }

    private static let headLength = 6

    /// Compression and encodings that are known by their first bytes and not read.
    private static let unsupported: [(magic: [UInt8], code: LogInputError.Code, name: String)] = [
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], .unsupportedCompression, "xz"),
        ([0x28, 0xb5, 0x2f, 0xfd], .unsupportedCompression, "zstd"),
        ([0x04, 0x22, 0x4d, 0x18], .unsupportedCompression, "lz4"),
        ([0x50, 0x4b, 0x03, 0x04], .unsupportedCompression, "zip"),
        ([0x42, 0x5a, 0x68], .unsupportedCompression, "bzip2"),
        ([0xff, 0xfe], .unsupportedEncoding, "UTF-16"),
        ([0xfe, 0xff], .unsupportedEncoding, "UTF-16"),
    ]

    private mutating func decide(_ body: (LineSplitter.Line) throws -> Void) throws {
        let first = head ?? []
        head = nil
        if let known = Self.unsupported.first(where: { first.starts(with: $0.magic) }) {
            hasFailed = true
            let what =
                known.code == .unsupportedEncoding
                ? "text in \(known.name); convert it to UTF-8" : "compressed with \(known.name); unpack it"
            throw LogInputError(code: known.code, detail: "the file is \(what) first")
        }
        if first.starts(with: [0x1f, 0x8b]) { inflater = try GzipInflater() }
        try read(first[...], body)
    }

    private mutating func read(_ bytes: ArraySlice<UInt8>, _ body: (LineSplitter.Line) throws -> Void) throws {
        guard inflater != nil else { return try splitter.push(bytes, body) }
        var lines = RecordSplitter()
        swap(&lines, &splitter)
        defer { splitter = lines }
        do {
            try inflater?.push(bytes) { try lines.push($0, body) }
        } catch {
            hasFailed = true
            throw error
        }
    }
}
