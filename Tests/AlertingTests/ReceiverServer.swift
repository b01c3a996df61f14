import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A receiver on loopback that answers as it is told.
final class ReceiverServer: Sendable {
    struct Request: Sendable {
        var path: String
        var headers: HTTPHeaders
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Answer: Sendable {
        case status(Int, [(String, String)] = [])
        /// Never.
        case hang
        /// The connection breaks off.
        case close
    }

    private let state = Mutex<[Request]>([])
    private let channel: any Channel
    let port: Int

    var requests: [Request] { state.withLock { $0 } }
    func requests(to path: String) -> [Request] { requests.filter { $0.path == path } }

    /// - Parameter answer: to a request and how many came to its path before.
    private init(_ answer: @escaping @Sendable (Request, Int) -> Answer) async throws {
        let (bound, continuation) = AsyncStream.makeStream(of: (Request, EventLoopPromise<Answer>).self)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(continuation))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        Task { [weak self] in
            for await (request, promise) in bound {
                let before =
                    self?.state.withLock { requests in
                        requests.append(request)
                        return requests.count { $0.path == request.path } - 1
                    } ?? 0
                promise.succeed(answer(request, before))
            }
        }
    }

    /// Runs a server for the time of `body`.
    static func run<R>(
        _ answer: @escaping @Sendable (Request, Int) -> Answer = { _, _ in .status(200) }, _ body: (ReceiverServer) async throws -> R
    ) async throws -> R {
        let server = try await ReceiverServer(answer)
        let result: Result<R, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        try await server.channel.close()
        return try result.get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let continuation: AsyncStream<(Request, EventLoopPromise<Answer>)>.Continuation
        private var request: Request?

        init(_ continuation: AsyncStream<(Request, EventLoopPromise<Answer>)>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): request = Request(path: head.uri, headers: head.headers, body: [])
            case .body(let part): request?.body += part.readableBytesView
            case .end:
                guard let request else { return }
                let promise = context.eventLoop.makePromise(of: Answer.self)
                let channel = context.channel
                promise.futureResult.whenSuccess { answer in
                    switch answer {
                    case .hang: break
                    case .close: channel.close(promise: nil)
                    case .status(let code, let fields):
                        var headers = HTTPHeaders(fields)
                        headers.add(name: "content-length", value: "2")
                        channel.write(
                            HTTPServerResponsePart.head(.init(version: .http1_1, status: .init(statusCode: code), headers: headers)),
                            promise: nil)
                        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "ok"))), promise: nil)
                        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
                    }
                }
                continuation.yield((request, promise))
            }
        }
    }
}
