import HTTPTypes
import HummingbirdCore
import NIOCore

/// Compresses a body piece by piece as it is written.
struct CompressingBodyWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let deflater: Deflater
    /// Whether each piece can be read as soon as it is there: for bodies whose end is not in sight.
    let flushes: Bool

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        guard buffer.readableBytes > 0 else { return }
        var output = ByteBuffer()
        try deflater.compress(buffer, into: &output, flush: flushes ? .sync : .none)
        // An empty piece would be the end of a chunked body.
        if output.readableBytes > 0 { try await base.write(output) }
    }

    @concurrent mutating func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
        var input = ByteBuffer()
        for buffer in buffers { input.writeImmutableBuffer(buffer) }
        try await write(input)
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        var (base, output) = (base, ByteBuffer())
        try deflater.compress(ByteBuffer(), into: &output, flush: .finish)
        if output.readableBytes > 0 { try await base.write(output) }
        try await base.finish(trailingHeaders)
    }
}

/// Takes a body of bounded length into memory.
final class CollectedBody {
    var bytes = ByteBuffer()
    var trailers: HTTPFields?
}

struct CollectingBodyWriter: ResponseBodyWriter {
    let body: CollectedBody

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws { body.bytes.writeImmutableBuffer(buffer) }
    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws { body.trailers = trailingHeaders }
}
