import AuditEvents
import CoreMetrics
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// A response whose body is written piece by piece: counts it, and records the request when it ends, however it ends.
final class RecordedStream: Sendable {
    private struct State {
        var bytes = 0
        var writeFailed = false
        var ended = false
    }

    private let audit: AuditContext
    private let trail: AuditTrail
    private let status: Int
    private let state = Mutex(State())

    init(audit: AuditContext, trail: AuditTrail, status: Int) {
        self.audit = audit
        self.trail = trail
        self.status = status
    }

    /// The server drops a body that it cannot begin to write, when the client is gone before the head: nobody else would tell.
    deinit {
        let (ended, bytes) = state.withLock { ($0.ended, $0.bytes) }
        if !ended { RecordedStream.record(.clientClosedWithin(status, bytes: bytes), audit, trail) }
    }

    func wrote(_ bytes: Int) { state.withLock { $0.bytes += bytes } }
    func writeFailed() { state.withLock { $0.writeFailed = true } }

    func end(failure: (any Error)?) async {
        let state = state.withLock { state in
            defer { state.ended = true }
            return state
        }
        guard !state.ended else { return }
        let ending: RequestEnding
        if state.writeFailed || failure is CancellationError || (failure != nil && audit.clientIsGone) {
            ending = .clientClosedWithin(status, bytes: state.bytes)
        } else {
            ending = failure == nil ? .response(status, bytes: state.bytes) : .cut(status, bytes: state.bytes)
        }
        await RecordedStream.record(ending, audit, trail).value
    }

    @discardableResult
    private static func record(_ ending: RequestEnding, _ audit: AuditContext, _ trail: AuditTrail) -> Task<Void, Never> {
        Task {
            guard let event = audit.requestEvent(ending) else { return }
            do {
                try await trail.record(event, durability: .buffered)
            } catch {
                // The response is out. A record that is full now was not when the request was admitted.
                trail.lostEvent()
                trail.logger.error("event lost, the record is full", metadata: ["audit.request.id": "\(audit.requestID)"])
            }
        }
    }
}

/// Passes a body on, byte for byte, and counts it.
struct CountingBodyWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let stream: RecordedStream

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        do { try await base.write(buffer) } catch {
            stream.writeFailed()
            throw error
        }
        stream.wrote(buffer.readableBytes)
    }

    @concurrent mutating func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
        let buffers = Array(buffers)
        do { try await base.write(contentsOf: buffers) } catch {
            stream.writeFailed()
            throw error
        }
        stream.wrote(buffers.reduce(0) { $0 + $1.readableBytes })
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let (base, stream) = (base, stream)
        do { try await base.finish(trailingHeaders) } catch {
            stream.writeFailed()
            throw error
        }
    }
}
