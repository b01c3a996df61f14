import AuditEvents
import CoreMetrics
import HTTPTypes
import Logging
public import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Watches a connection for what the HTTP parser refuses, which no responder sees, and records it. Passes everything on.
final class MalformedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let trail: AuditTrail
    private var record = ConnectionRecord()
    /// Kept from the start: a closed channel knows its peer no more.
    private var client: ClientAddress?

    init(trail: AuditTrail) { self.trail = trail }

    func handlerAdded(context: ChannelHandlerContext) { client = context.remoteAddress.flatMap(ClientAddress.init) }

    func channelActive(context: ChannelHandlerContext) {
        client = client ?? context.remoteAddress.flatMap(ClientAddress.init)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: record.requestBegan()
        case .end: record.requestWasRead()
        case .body: break
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError: emit(record.failed(error == .invalidEOFState ? .ended : .refused))
        case is HTTP1TypeConversionError: emit(record.failed(.unusable))
        default: break
        }
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): emit(record.responseBegan(head.status.code))
        case .end: record.responseEnded()
        case .body: break
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        emit(record.closed())
        context.fireChannelInactive()
    }

    private func emit(_ malformed: ConnectionRecord.Malformed?) {
        guard let malformed else { return }
        let (status, outcome, reason): (Int16?, Outcome, String) =
            switch malformed {
            case .answered(let status): (Int16(truncatingIfNeeded: status), .failure, "malformed_request")
            case .dropped: (nil, .failure, "malformed_request")
            case .incomplete: (nil, .unknown, "incomplete_request")
            }
        let configuration = trail.configuration
        let event = AuditEvent(
            header: EventHeader(
                id: EventID(time: configuration.clock.now()), tenant: configuration.tenant, source: configuration.source,
                type: .httpRequest,
                outcome: outcome, reason: reason, severity: outcome == .unknown ? .informational : .low, status: status),
            body: EventBody(client: .init(ip: client?.description, port: client?.port), requestID: RequestID.make()))
        // A connection leaves one such event at most; what is not taken is counted like that of any answered request.
        Task { [trail] in
            do {
                try await trail.record(event, durability: .buffered)
            } catch {
                trail.lostEvent()
                trail.logger.error("event lost, the record is full")
            }
        }
    }
}

extension AuditRecorder {
    /// The handlers of a connection that record what the HTTP parser refuses before there is a request, for `HTTP1Channel.Configuration`:
    ///
    /// ```swift
    /// let server = HTTPServerBuilder.http1(
    ///     configuration: .init(additionalChannelHandlers: recorder.connectionHandlers(), idleTimeout: .seconds(30)))
    /// ```
    ///
    /// An `http_request` event with the peer's address and port, and the status that the server answered; reason `malformed_request`, or
    /// `incomplete_request` where the connection ended within a head. One at most for a connection, which the server closes then.
    public func connectionHandlers() -> [any RemovableChannelHandler] { [MalformedRequestHandler(trail: trail)] }
}
