import AuditEvents
import CZlib
import LogFormats
import Testing

@Suite struct LogInputTests {
    /// The lines of an input that arrives in pieces of `size` bytes.
    static func read(_ bytes: [UInt8], by size: Int, limit: Int = LineSplitter.defaultLimit) throws -> [LineSplitter.Line] {
        var input = LogInput(lineLimit: limit)
        var lines: [LineSplitter.Line] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            try input.push(bytes[start..<min(start + size, bytes.count)]) { lines.append($0) }
        }
        try input.finish { lines.append($0) }
        return lines
    }

    static func line(_ text: String) -> LineSplitter.Line { .line(Array(text.utf8)[...]) }

    /// A gzip member.
    static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        var stream = z_stream()
        try #require(
            deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let made = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
                (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? output.count - Int(stream.avail_out) : 0
            }
        }
        try #require(made > 0)
        return Array(output.prefix(made))
    }

    static let text = "one\r\ntwo\n\nfour\r five\nlast"
    static let expected = ["one", "two", "", "four\r five", "last"].map(line)

    @Test("lines come out alike whatever the pieces", arguments: [1, 2, 3, 5, 7, 100])
    func pieces(size: Int) throws {
        #expect(try Self.read(Array(Self.text.utf8), by: size) == Self.expected)
        #expect(try Self.read(try Self.gzip(Array(Self.text.utf8)), by: size) == Self.expected)
    }

    @Test("an empty input has no line, one LF an empty one")
    func empty() throws {
        #expect(try Self.read([], by: 1) == [])
        #expect(try Self.read([10], by: 1) == [Self.line("")])
        #expect(try Self.read(Array("a\n".utf8), by: 1) == [Self.line("a")])
    }

    @Test("a line over the limit comes out once, as its beginning, and the next one whole", arguments: [1, 3, 64, 4096])
    func longLine(size: Int) throws {
        let text = String(repeating: "x", count: 1000) + "\n12345678\r\n123456789\nend"
        let lines = try Self.read(Array(text.utf8), by: size, limit: 8)
        #expect(
            lines == [
                .tooLong(prefix: Array("xxxxxxxx".utf8)[...], limit: 8), Self.line("12345678"),
                .tooLong(prefix: Array("12345678".utf8)[...], limit: 8), Self.line("end"),
            ])
    }

    @Test("several members, an empty one among them, and padding with zeros are one stream", arguments: [1, 10, 10_000])
    func members(size: Int) throws {
        var bytes = try Self.gzip(Array("one\nt".utf8)) + Self.gzip([]) + Self.gzip(Array("wo\nthree".utf8))
        bytes += [0, 0, 0]
        #expect(try Self.read(bytes, by: size) == ["one", "two", "three"].map(Self.line))
    }

    @Test("a truncated stream gives its lines, then an error")
    func truncated() throws {
        let whole = try Self.gzip(Array((0..<5000).map { "line \($0)" }.joined(separator: "\n").utf8))
        for length in [7, 11, whole.count / 2, whole.count - 1] {
            var input = LogInput()
            var lines: [LineSplitter.Line] = []
            try input.push(whole[..<length]) { lines.append($0) }
            let error = #expect(throws: LogInputError.self) { try input.finish { lines.append($0) } }
            #expect(error?.code == .truncated)
            if length == whole.count - 1 { #expect(lines.count == 5000) }
            if length > 100 { #expect(lines.first == Self.line("line 0")) }
        }
    }

    @Test("a damaged stream and one with something behind it are errors, what came before counts")
    func damaged() throws {
        var input = LogInput()
        var lines: [LineSplitter.Line] = []
        let bytes = try Self.gzip(Array("one\ntwo\n".utf8)) + Array("garbage".utf8)
        let error = #expect(throws: LogInputError.self) { try input.push(bytes[...]) { lines.append($0) } }
        #expect(error?.code == .damaged && lines == ["one", "two"].map(Self.line))
        try input.push(Array("more\n".utf8)[...]) { lines.append($0) }
        try input.finish { lines.append($0) }
        #expect(lines.count == 2)
        var second = LogInput()
        #expect(throws: LogInputError.self) { try second.push([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][...]) { _ in } }
    }

    @Test("a bomb of one line flows through in bounded pieces")
    func bomb() throws {
        let bytes = try Self.gzip([UInt8](repeating: 0x61, count: 50_000_000) + Array("\nnext".utf8))
        #expect(bytes.count < 100_000)
        let lines = try Self.read(bytes, by: 8192)
        #expect(lines.count == 2 && lines.last == Self.line("next"))
        if case .tooLong(let prefix, _) = lines[0] {
            #expect(prefix.count == LineSplitter.defaultLimit)
        } else {
            Issue.record("not too long")
        }
    }

    @Test(
        "other compressions and encodings are named",
        arguments: [
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00], "xz"), ([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00], "zstd"),
            ([0x42, 0x5a, 0x68, 0x39, 0x31, 0x41], "bzip2"),
            ([0xff, 0xfe, 0x46, 0x00, 0x65, 0x00], "UTF-16"), ([0x50, 0x4b, 0x03, 0x04], "zip"),
        ] as [([UInt8], String)])
    func unsupported(bytes: [UInt8], name: String) {
        let error = #expect(throws: LogInputError.self) { try Self.read(bytes, by: 3) }
        #expect(error?.description.contains(name) == true)
    }

    @Test("the beginning of an overlong request is an event, that of an overlong line of sshd is not")
    func overlong() {
        var parser = parser()
        let request = Array((AccessLogTests.head + #""GET /"# + String(repeating: "a", count: 200)).utf8)[...]
        let record = parser.parse(.tooLong(prefix: request, limit: 250)).record
        #expect(record?.ip == "203.0.113.9" && record?.body.details["truncated"] == true)
        let login = Array("Feb 12 14:10:21 host sshd[1]: Invalid user a from 192.0.2.7 port 1".utf8)[...]
        #expect(parser.parse(.tooLong(prefix: login, limit: 60)).rejection == "the line is longer than 60 bytes")
    }
}
