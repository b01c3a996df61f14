import AuditEvents
import AuditMiddleware
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging

typealias TestContext = BasicAuditedRequestContext

/// What is around a router whose routes a test adds.
struct TestApplication: Sendable {
    let sink = MemorySink()
    let clock = TestClock()
    static let fingerprinter = Fingerprinter(key: [UInt8](repeating: 7, count: 32))
    var wholeResponseLimit = 64 * 1024
    var sampling = RequestSampling.all
    var recordedHeaders: [HTTPField.Name] = []

    static func router() -> Router<TestContext> { Router(audited: TestContext.self, options: .autoGenerateHeadEndpoints) }

    static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    var recorder: AuditRecorder {
        var configuration = AuditRecorder.Configuration(
            source: "shop", fingerprinter: Self.fingerprinter, tenant: "acme", clock: clock.clock, wholeResponseLimit: wholeResponseLimit,
            recordedHeaders: recordedHeaders)
        configuration.sampling = sampling
        return AuditRecorder(sink: sink, configuration: configuration, logger: Self.quiet)
    }

    func application(_ router: Router<TestContext>) -> some ApplicationProtocol {
        Application(responder: recorder.wrap(router), configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: Self.quiet)
    }
}

/// The two ways that every test body runs: in process, and through a socket.
enum Way: Sendable, CaseIterable {
    case router, live
    var setup: TestingSetup { self == .router ? .router : .live }
}
