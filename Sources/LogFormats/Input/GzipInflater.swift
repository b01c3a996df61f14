import CZlib

/// Inflates a gzip stream (RFC 1952) piece by piece: several members one after the other, output in bounded pieces however much a byte expands to.
struct GzipInflater: ~Copyable {
    private static let pieceSize = 65_536

    /// On the heap, for zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var piece = [UInt8](repeating: 0, count: pieceSize)
    /// Whether a member has begun and not ended.
    private var isInMember = true
    private var isPadding = false

    init() throws(LogInputError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            throw LogInputError(code: .damaged, detail: "zlib could not start (\(status))")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates `input` and gives `body` what comes out.
    ///
    /// - Throws: `LogInputError` where the stream is damaged; what came before was given. Whatever `body` throws.
    mutating func push(_ input: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var rest = input
        while !rest.isEmpty {
            if !isInMember, try !beginMember(&rest) { return }
            let (status, used, made) = step(rest)
            rest = rest.dropFirst(used)
            if made > 0 { try body(piece[..<made]) }
            switch status {
            case Z_STREAM_END: isInMember = false
            case Z_OK: break
            case Z_BUF_ERROR where used > 0 || made > 0 || rest.isEmpty: break
            default: throw LogInputError(code: .damaged, detail: message(status))
            }
            if rest.isEmpty, made == Self.pieceSize, isInMember { try drain(body) }
        }
    }

    /// Gives what zlib still holds after its output was full at the end of the input.
    private mutating func drain(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        while isInMember {
            let (status, _, made) = step([])
            if made > 0 { try body(piece[..<made]) }
            if status == Z_STREAM_END { isInMember = false }
            guard status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END else {
                throw LogInputError(code: .damaged, detail: message(status))
            }
            if made < Self.pieceSize { return }
        }
    }

    /// - Throws: `LogInputError` where the stream ends within a member.
    func finish() throws(LogInputError) {
        if isInMember { throw LogInputError(code: .truncated, detail: "the gzip stream ends early") }
    }

    /// Looks at what follows a member: another one, or the zeros that fill a block. Anything else is no gzip.
    private mutating func beginMember(_ rest: inout ArraySlice<UInt8>) throws(LogInputError) -> Bool {
        while rest.first == 0 {
            isPadding = true
            rest.removeFirst()
        }
        guard let first = rest.first else { return false }
        guard first == 0x1f, !isPadding else { throw LogInputError(code: .damaged, detail: "something else follows the gzip stream") }
        inflateReset(stream)
        isInMember = true
        return true
    }

    private mutating func step(_ input: ArraySlice<UInt8>) -> (status: Int32, used: Int, made: Int) {
        let stream = self.stream
        return piece.withUnsafeMutableBufferPointer { output in
            input.withUnsafeBufferPointer { input in
                let count = min(input.count, Int(UInt32.max))
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                let status = inflate(stream, Z_NO_FLUSH)
                let result = (status, count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
                stream.pointee.next_in = nil
                stream.pointee.next_out = nil
                return result
            }
        }
    }

    private func message(_ status: Int32) -> String {
        let detail = stream.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
        return "the gzip stream is damaged: \(detail)"
    }
}
