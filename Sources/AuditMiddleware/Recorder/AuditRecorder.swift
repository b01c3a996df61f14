public import AuditEvents
public import HTTPTypes
public import Hummingbird
public import Logging

/// Records every request that a router answers, and lets the layers within emit their own events.
///
/// The recorder is around the router, not in it, so no order of routes and middleware gets past it, and it sees what the client sees: the final
/// status, also of thrown errors and unknown routes.
///
/// ```swift
/// let router = Router(audited: BasicAuditedRequestContext.self)
/// let recorder = AuditRecorder(sink: store, configuration: .init(source: "shop", fingerprinter: Fingerprinter(key: key)), logger: logger)
/// let app = Application(responder: recorder.wrap(router))
/// ```
///
/// Its limit: requests that the HTTP parser refuses before there is a head never reach a responder. The server answers them 400 by itself, and
/// they are recorded where ``connectionHandlers()`` are part of the server.
public struct AuditRecorder: Sendable {
    public struct Configuration: Sendable {
        /// The service's name: the events' `source`.
        public var source: String
        public var tenant: String
        /// Turns tokens and session ids into what may be recorded.
        public var fingerprinter: Fingerprinter
        public var clock: AuditClock
        /// Up to this length in bytes a response is recorded before it is handed to the server, in one write; a longer one, or one of unknown
        /// length, when its last byte was written. With 0 every response waits for its end, at the cost of more writes.
        public var wholeResponseLimit: Int
        /// The seconds in `Retry-After` when the record is full.
        public var retryAfterSeconds: Int
        /// How many of the plain successes are recorded, where a route does not say otherwise.
        public var sampling = RequestSampling.all
        /// Request header fields whose values go into `details.headers`, up to 256 bytes each. Those that bear credentials are left out even if
        /// they are named here.
        public var recordedHeaders: [HTTPField.Name] {
            didSet { recordedHeaders = Self.harmless(recordedHeaders) }
        }
        /// Whose word is taken for a client's address.
        public var clientAddress: ClientAddressTrust

        public init(
            source: String, fingerprinter: Fingerprinter, tenant: String = "default", clock: AuditClock = .system,
            wholeResponseLimit: Int = 64 * 1024, retryAfterSeconds: Int = 5, clientAddress: ClientAddressTrust = .peer,
            recordedHeaders: [HTTPField.Name] = []
        ) {
            self.recordedHeaders = Self.harmless(recordedHeaders)
            self.source = source
            self.tenant = tenant
            self.fingerprinter = fingerprinter
            self.clock = clock
            self.wholeResponseLimit = wholeResponseLimit
            self.retryAfterSeconds = retryAfterSeconds
            self.clientAddress = clientAddress
        }

        private static func harmless(_ names: [HTTPField.Name]) -> [HTTPField.Name] {
            names.filter { Redaction.secretKind(ofField: $0.canonicalName) == nil }
        }
    }

    let trail: AuditTrail

    /// - Parameter sink: takes the events; when it also is an `AdmittingSink`, requests that could not be recorded are answered 503 and not run.
    public init(sink: any EventSink, configuration: Configuration, logger: Logger) {
        trail = AuditTrail(sink: sink, configuration: configuration, logger: logger)
    }

    /// The responder that `builder` builds, recorded.
    public func wrap<Builder: HTTPResponderBuilder>(_ builder: Builder) -> RecordedResponder<Builder.Responder> {
        RecordedResponder(base: builder.buildResponder(), trail: trail)
    }
}

extension Router where Context: AuditedRequestContext {
    /// A router whose errors, from any route or middleware added later, become problem documents.
    public convenience init(audited context: Context.Type, options: RouterOptions = []) {
        self.init(context: context, options: options)
        add(middleware: ProblemMiddleware())
    }
}
