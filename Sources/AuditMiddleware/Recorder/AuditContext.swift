public import AuditEvents
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization

/// What is known of one request, shared by all its layers, and the way to emit events about it.
public final class AuditContext: Sendable {
    struct State: Sendable {
        var trail: AuditTrail?
        var uri: URI?
        var method = HTTPRequest.Method.get
        var requestID = ""
        var userAgent: String?
        var trace: TraceParent?
        /// As the configured trust model found it; nil where that is the peer.
        var client: ClientAddress?
        var started: Int64 = 0
        var facts = AuditFacts()
        var responseFields = HTTPFields()
        /// How the request is sampled, where its route says so.
        var sampling: RequestSampling?
        /// Events emitted so far.
        var emitted = 0
        /// The bytes of the request's body: as its `Content-Length` says, or as counted so far.
        var requestBytes: Int64?
        var recordedHeaders: JSONObject?
    }

    /// Who connected: the peer of the connection. Nil in process and on a Unix socket.
    public let peer: ClientAddress?
    private let channel: any Channel
    private let wasActive: Bool
    private let endpointPath: EndpointPath
    private let state = Mutex(State())

    /// The context of one request.
    /// - Parameter endpointPath: that of the same request's core context, where the router notes the route.
    public init(source: ApplicationRequestContextSource, endpointPath: EndpointPath) {
        channel = source.channel
        wasActive = channel.isActive
        peer = channel.remoteAddress.flatMap(ClientAddress.init)
        self.endpointPath = endpointPath
    }

    /// Who makes the request, as far as `AuditRecorder.Configuration.clientAddress` lets others be believed.
    public var client: ClientAddress? { state.withLock { $0.client } ?? peer }
    /// The id that the response and all events of the request bear.
    public var requestID: String { state.withLock { $0.requestID } }
    /// The caller's trace, where it named one.
    public var trace: TraceParent? { state.withLock { $0.trace } }
    /// What the layers found out so far.
    public var facts: AuditFacts { state.withLock { $0.facts } }
    /// The route's template; nil while none has matched.
    public var route: String? { RequestFacts.route(endpointPath.value) }

    /// Adds to what is known of the request; its `http_request` event, and all events emitted later, carry it.
    public func update(_ change: (inout AuditFacts) -> Void) {
        state.withLock { change(&$0.facts) }
    }

    /// Adds a header field to the response, whatever it will be: also to that of an error thrown further in.
    public func addResponseField(_ name: HTTPField.Name, _ value: String) {
        state.withLock { $0.responseFields.append(HTTPField(name: name, value: value)) }
    }

    func addResponseFields(_ first: HTTPField, _ second: HTTPField) {
        state.withLock { state in
            state.responseFields.append(first)
            state.responseFields.append(second)
        }
    }

    /// The fingerprint of a secret under the recorder's key; nil where no recorder is around the router.
    public func fingerprint(_ secret: String, purpose: Fingerprinter.Purpose) -> String? {
        state.withLock { $0.trail }?.configuration.fingerprinter.fingerprint(secret, purpose: purpose)
    }

    /// The seconds that a request refused for a full record is told to wait.
    var retryAfterSeconds: Int { state.withLock { $0.trail }?.configuration.retryAfterSeconds ?? 5 }

    /// Where the request's events go; nil where no recorder is around the router.
    var trail: AuditTrail? { state.withLock { $0.trail } }

    /// Whether the connection was there at the start and is no more.
    var clientIsGone: Bool { wasActive && !channel.isActive }

    /// Takes down what the request's head tells.
    /// - Returns: whether the body's length is not known ahead, and is to be counted.
    func begin(_ request: Request, trail: AuditTrail) -> Bool {
        var (id, agent, trace, traces): (String?, String?, String?, Int) = (nil, nil, nil, 0)
        var (length, isChunked): (Int64?, Bool) = (nil, false)
        var headers: JSONObject?
        let recorded = trail.configuration.recordedHeaders
        for field in request.headers {
            switch field.name {
            case .requestID: id = id ?? field.value
            case .userAgent: agent = agent ?? field.value
            case .contentLength: length = Int64(field.value)
            case .transferEncoding: isChunked = true
            case .traceParent:
                trace = field.value
                traces += 1
            default: break
            }
            if !recorded.isEmpty, recorded.contains(field.name) {
                headers = headers ?? [:]
                headers?[field.name.canonicalName] = .string(RequestFacts.bounded(field.value, to: 256))
            }
        }
        let requestID = id.flatMap { RequestID.isAcceptable($0) ? $0 : nil } ?? RequestID.make()
        let trust = trail.configuration.clientAddress
        let resolution = trust.isPeer ? nil : trust.resolve(peer: peer, headers: request.headers)
        let started = trail.configuration.clock.monotonicMicroseconds()
        trail.counts.requests.add(1, ordering: .relaxed)
        state.withLock { state in
            state.trail = trail
            state.uri = request.uri
            state.method = request.method
            state.requestID = requestID
            state.userAgent = agent.map { RequestFacts.bounded($0, to: 256) }
            state.trace = traces == 1 ? trace.flatMap(TraceParent.init) : nil
            state.started = started
            state.requestBytes = isChunked ? 0 : length
            state.recordedHeaders = headers
            if let resolution {
                state.client = resolution.address
                if let refusal = resolution.refusal { state.facts.details["forwarding_refused"] = .string(refusal) }
            }
        }
        return isChunked
    }

    /// Counts bytes of a body whose length was not told.
    func received(_ bytes: Int) {
        state.withLock { $0.requestBytes = ($0.requestBytes ?? 0) + Int64(bytes) }
    }

    /// Samples this request otherwise than the recorder does.
    public func sample(_ sampling: RequestSampling) { state.withLock { $0.sampling = sampling } }

    func moveResponseFields(to headers: inout HTTPFields) {
        let (id, fields) = state.withLock { ($0.requestID, $0.responseFields) }
        headers[.requestID] = id
        headers.append(contentsOf: fields)
    }

    func withState<R>(_ body: (inout sending State) throws -> sending R) rethrows -> sending R { try state.withLock(body) }
}

extension HTTPField.Name {
    /// `X-Request-Id`.
    static let requestID = HTTPField.Name("X-Request-Id") ?? .userAgent
    /// `traceparent` of W3C Trace Context.
    static let traceParent = HTTPField.Name("traceparent") ?? .userAgent
}
