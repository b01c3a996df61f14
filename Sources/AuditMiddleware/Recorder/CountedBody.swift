import HummingbirdCore
import NIOCore

/// A request's body of unknown length, passed on as it comes and counted.
struct CountedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    let base: RequestBody
    let audit: AuditContext

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        let audit: AuditContext

        @concurrent mutating func next() async throws -> ByteBuffer? {
            let chunk = try await base.next()
            if let chunk { audit.received(chunk.readableBytes) }
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), audit: audit) }
}
