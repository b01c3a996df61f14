import Glibc
import NIOCore

/// The handler nearest to the socket: says once what the exchange came to, and closes the connection past whatever TLS still waits for.
final class ExchangeEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// HOST:PORT, for people.
    let name: String
    /// What the peer is being waited for, for the reason of a timeout.
    var waitingFor = "a connection"
    /// Where set, the exchange came to this if the peer closes only after it has received that this side closed.
    var onPeerClose: DeliveryAttempt?
    private let done: EventLoopPromise<DeliveryAttempt>
    private var context: ChannelHandlerContext?
    private var wasActive = false
    private var isOutputClosed = false
    private var isCut = false
    private var heldClose: EventLoopPromise<Void>?

    init(name: String, _ done: EventLoopPromise<DeliveryAttempt>) {
        self.name = name
        self.done = done
    }

    /// The first says it; what comes later changes nothing.
    func finish(_ attempt: DeliveryAttempt) { done.succeed(attempt) }

    /// Closes at once, without the farewells of TLS.
    func cut() {
        isCut = true
        context?.close(mode: .all, promise: heldClose)
        heldClose = nil
    }

    func stop(_ error: any Error) {
        finish(DeliveryAttempt(.unreachable, "\(ReceiverExchange.words(error)), waiting for \(waitingFor)"))
        cut()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        wasActive = true
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        heldClose?.succeed()
        heldClose = nil
        guard wasActive else { return }
        finish(DeliveryAttempt(.unreachable, "\(name) closed the connection, waiting for \(waitingFor)"))
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            let closed = promise ?? context.eventLoop.makePromise()
            closed.futureResult.assumeIsolated().whenSuccess { self.isOutputClosed = true }
            context.close(mode: mode, promise: closed)
        } else if mode == .all, onPeerClose != nil, isOutputClosed, !isCut {
            // TLS has seen the peer's close_notify, which may have been sent before the peer read anything. Its end of file says more.
            heldClose?.succeed()
            heldClose = promise
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        defer { context.fireChannelReadComplete() }
        // Called for an end of file too, while the socket can still be asked.
        guard let onPeerClose, isOutputClosed, !isCut, let provider = context.channel as? any SocketOptionProvider else { return }
        provider.getTCPInfo().assumeIsolated().whenSuccess { info in
            // Once both sides have closed, each having heard of the other's end, the socket is closed or waits for stragglers. A reset closes it too
            // but leaves an error; the kernel sends one where the peer's program never read the data. In any other state the peer has not closed, or
            // has without having seen the end.
            guard info.tcpi_state == UInt8(TCP_CLOSE) || info.tcpi_state == UInt8(TCP_TIME_WAIT),
                (try? context.channel.syncOptions?.getOption(.socketOption(.so_error))) == 0
            else { return }
            self.finish(onPeerClose)
        }
    }
}
