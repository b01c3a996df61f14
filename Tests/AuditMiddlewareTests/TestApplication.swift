import AuditEvents
import AuditMiddleware
import AuditTesting
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

    static func router() -> Router<TestContext> { Router(audited: TestContext.self, options: .autoGenerateHeadEndpoints) }

    func application(_ router: Router<TestContext>) -> some ApplicationProtocol {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let recorder = AuditRecorder(
            sink: sink,
            configuration: .init(
                source: "shop", fingerprinter: Self.fingerprinter, tenant: "acme", clock: clock.clock,
                wholeResponseLimit: wholeResponseLimit),
            logger: logger)
        return Application(
            responder: recorder.wrap(router), configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
    }
}

/// The two ways that every test body runs: in process, and through a socket.
enum Way: Sendable, CaseIterable {
    case router, live
    var setup: TestingSetup { self == .router ? .router : .live }
}
