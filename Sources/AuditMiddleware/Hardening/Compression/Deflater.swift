import CZlib
import NIOCore

/// Compresses a stream of bytes with zlib. Its state, up to 256 KiB, is freed with it.
final class Deflater {
    struct Failure: Error {
        let status: Int32
    }

    enum Flush {
        /// Whatever zlib sees fit: the best ratio.
        case none
        /// All that came so far can be read from what was given out.
        case sync
        case finish

        fileprivate var code: Int32 {
            switch self {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        }
    }

    /// On the heap, for zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameters:
    ///   - level: 1, the fastest, to 9.
    ///   - size: how much will come, where known: a short body needs no large window.
    init(_ coding: ContentCoding, level: Int, size: Int?) throws(Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        var window: Int32 = 15
        // zlib mends a window of 8 to 9; one of 9 to 15 suffices for what it covers.
        if let size { while window > 9, size <= 1 << Int(window - 1) { window -= 1 } }
        let memory = min(8, max(1, window - 6))
        let status = deflateInit2_(
            stream, Int32(level), Z_DEFLATED, coding == .gzip ? window + 16 : window, memory, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            throw Failure(status: status)
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses `input` to the end of `output`.
    func compress(_ input: ByteBuffer, into output: inout ByteBuffer, flush: Flush) throws {
        let piece = max(256, min(input.readableBytes / 2, 65_536))
        try input.withUnsafeReadableBytes { bytes in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(bytes.count)
            defer { stream.pointee.next_in = nil }
            var isFull = true
            while isFull {
                var status = Z_OK
                output.writeWithUnsafeMutableBytes(minimumWritableBytes: piece) { space in
                    let room = min(space.count, Int(UInt32.max))
                    stream.pointee.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.pointee.avail_out = UInt32(room)
                    status = deflate(stream, flush.code)
                    return room - Int(stream.pointee.avail_out)
                }
                // Without progress to make it says so and is not to be asked again.
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw Failure(status: status) }
                isFull = status == Z_OK && (stream.pointee.avail_out == 0 || flush == .finish)
            }
        }
    }
}
