import AuditEvents
import DatabaseTesting
import NIOHTTP1
import PostgreSQL
import Testing

@testable import Alerting
@testable import Detection

@Suite("Telling receivers")
struct DispatcherTests {
    private typealias Answers = @Sendable (ReceiverServer.Request, Int) -> ReceiverServer.Answer

    @Test("an attempt that fails is made again with the same id and body and another time; redirects are not followed")
    func again() async throws {
        let answers: Answers = { request, before in
            switch before {
            case 0: .status(500)
            case 1: .status(302, [("location", "/elsewhere")])
            case 2: .close
            default: .status(204)
            }
        }
        try await ReceiverServer.run(answers) { server in
            try await withAlertBed { bed in
                let settings = try AlertBed.settings(
                    """
                    receivers:
                        hook: {type: webhook, url: 'http://127.0.0.1:PORT/hook', allow_private: true, secrets: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
                    """, port: server.port)
                try await bed.apply(.open(bed.alert()))
                try await bed.dispatching(settings) {
                    for attempt in 1...4 {
                        try await eventually("attempt \(attempt)") {
                            let delivery = try await bed.deliveries().first
                            return delivery?.attempts == attempt && delivery?.detail != nil
                                && (attempt < 4) == (delivery?.state == .pending)
                        }
                        if attempt < 4 { try await bed.force("update audit.delivery set due_at = clock_timestamp(), detail = null") }
                    }
                }
                let requests = server.requests
                #expect(requests.count == 4 && Set(requests.map(\.path)) == ["/hook"])
                #expect(
                    Set(requests.map(\.text)).count == 1 && Set(requests.compactMap { $0.headers.first(name: "webhook-id") }).count == 1)
                let signer = try #require(WebhookSigner(secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]))
                for request in requests {
                    let time = try #require(request.headers.first(name: "webhook-timestamp").flatMap { Int64($0) })
                    let id = try #require(request.headers.first(name: "webhook-id"))
                    let expected = signer.headers(id: id, time: time, body: request.body)?.map(\.value)
                    #expect(expected?.last == request.headers.first(name: "webhook-signature"))
                }
                let delivery = try #require(try await bed.deliveries().first)
                #expect(delivery.status == 204 && delivery.state == .delivered)
            }
        }
    }

    @Test("a receiver that hangs or is away delays no other")
    func isolation() async throws {
        let answers: Answers = { request, _ in request.path == "/slow" ? .hang : .status(200) }
        try await ReceiverServer.run(answers) { server in
            try await withAlertBed { bed in
                var settings = try AlertBed.hooks("slow", "quick", port: server.port)
                settings.receivers += try AlertBed.hooks("away", port: 1).receivers
                settings.routes = [DeliveryRoute(receivers: ["slow", "away", "quick"])]
                try await bed.dispatching(settings) {
                    for number in 0..<30 { try await bed.apply(.open(bed.alert("192.0.2.\(number)"))) }
                    try await eventually("thirty at the quick one", within: .seconds(10)) {
                        try await bed.deliveries("quick").count { $0.state == .delivered } == 30
                    }
                    #expect(try await bed.deliveries("slow").allSatisfy { $0.state == .pending })
                }
                // What the end broke off was no attempt, and is tried at once by whoever comes next.
                #expect(try await bed.deliveries("slow").allSatisfy { $0.attempts == 0 })
                #expect(server.requests(to: "/quick").count == 30)
            }
        }
    }

    @Test("410 disables a receiver with one event; what it missed is dead, is replayed, and another address is asked again")
    func gone() async throws {
        let answers: Answers = { request, _ in .status(request.path == "/gone" ? 410 : 200) }
        try await ReceiverServer.run(answers) { server in
            try await withAlertBed { bed in
                let settings = try AlertBed.hooks("gone", port: server.port)
                for number in 0..<10 { try await bed.apply(.open(bed.alert("192.0.2.\(number)"))) }
                try await bed.dispatching(settings) {
                    try await eventually("all dead") { try await bed.deliveries().count { $0.state == .dead } == 10 }
                    try await bed.apply(.open(bed.alert("192.0.2.99")))
                    try await eventually("one more") { try await bed.deliveries().count { $0.state == .dead } == 11 }
                }
                #expect(try await bed.types("audit\\_receiver%") == ["audit_receiver_disabled"])
                #expect(server.requests.count <= Dispatcher.concurrency)
                #expect(try await bed.worker.withConnection { try await DeliveryStore().disabled(settings, $0) } == ["gone"])

                // Elsewhere it is in use.
                var moved = try AlertBed.settings(
                    "receivers: {gone: {type: webhook, url: 'http://127.0.0.1:PORT/new', allow_private: true}}", port: server.port)
                #expect(try await bed.worker.withConnection { try await DeliveryStore().disabled(moved, $0) } == [])
                moved.receivers[0].waitSeconds = 0
                #expect(try await bed.desk.replay(try await bed.deliveries(), by: "ann") == 11)
                try await bed.dispatching(moved) {
                    try await eventually("all delivered") { try await bed.deliveries().count { $0.state == .delivered } == 11 }
                }
                #expect(try await bed.types("audit\\_delivery%") == ["audit_delivery_replayed"])
                for isFirst in [true, false] { #expect(try await bed.desk.enable(receiver: "gone", by: "ann") == isFirst) }
                #expect(try await bed.types("audit\\_receiver%") == ["audit_receiver_disabled", "audit_receiver_enabled"])
            }
        }
    }

    @Test("the tenth attempt that fails is the last: an event says so; an address of one's own network is never asked")
    func dead() async throws {
        let answers: Answers = { _, _ in .status(503, [("retry-after", "7200")]) }
        try await ReceiverServer.run(answers) { server in
            try await withAlertBed { bed in
                var settings = try AlertBed.hooks("down", port: server.port)
                settings.receivers.append(
                    try AlertBed.settings("receivers: {inside: {type: webhook, url: 'https://localhost:PORT/in'}}", port: server.port)
                        .receivers[0])
                settings.routes = [DeliveryRoute(receivers: ["down", "inside"])]
                try await bed.apply(.open(bed.alert()))
                try await bed.dispatching(settings) {
                    try await eventually("first attempt") { try await bed.deliveries("down").first?.status == 503 }
                    let first = try #require(try await bed.deliveries("down").first)
                    #expect(first.dueAt.microseconds(since: .now()) > 7000 * 1_000_000, "Retry-After is honoured")
                    try await bed.force("update audit.delivery set attempts = 9, due_at = clock_timestamp() where receiver = 'down'")
                    try await eventually("dead") { try await bed.deliveries().allSatisfy { $0.state == .dead } }
                }
                let inside = try #require(try await bed.deliveries("inside").first)
                #expect(inside.attempts == 1 && inside.status == nil && inside.detail?.contains("allow_private") == true)
                #expect(server.requests(to: "/in").isEmpty)
                #expect(try await bed.types("audit\\_delivery%") == ["audit_delivery_dead", "audit_delivery_dead"])
            }
        }
    }

    @Test("an end waits for its beginning, and what was claimed by a process that died is tried when its lease has run out")
    func order() async throws {
        let answers: Answers = { _, before in .status(before == 0 ? 500 : 200) }
        try await ReceiverServer.run(answers) { server in
            try await withAlertBed { bed in
                let settings = try AlertBed.hooks("hook", port: server.port)
                let alert = bed.alert()
                try await bed.apply(.open(alert))
                _ = try await bed.desk.change(try await bed.stored(alert.id), .resolve, by: "ann")
                try await bed.route(settings)
                // A process that dies has claimed it.
                let claimed = try await bed.worker.withTransaction { try await DeliveryStore().claim("hook", limit: 10, $0) }
                #expect(claimed.map(\.kind) == [.firing])
                try await bed.dispatching(settings) {
                    #expect(try await bed.worker.withTransaction { try await DeliveryStore().claim("hook", limit: 10, $0) }.isEmpty)
                    for attempt in 1...2 {
                        try await bed.force("update audit.delivery set due_at = clock_timestamp() where kind = 'firing'")
                        try await eventually("request \(attempt)") { server.requests.count >= attempt }
                        try await eventually("outcome \(attempt)") {
                            try await bed.deliveries().first?.detail?.contains(attempt == 1 ? "500" : "200") == true
                        }
                    }
                    try await eventually("both") { try await bed.deliveries().allSatisfy { $0.state == .delivered } }
                }
                let types = server.requests.map { $0.text.contains("alert.resolved") ? "resolved" : "firing" }
                #expect(types == ["firing", "firing", "resolved"])
                #expect(try await bed.deliveries().map(\.attempts) == [3, 1])
            }
        }
    }

    @Test("people are told of several alerts of a rule in one message")
    func gathering() async throws {
        try await ReceiverServer.run { server in
            try await withAlertBed { bed in
                let settings = try AlertBed.settings(
                    "receivers: {chat: {type: slack, url: 'http://127.0.0.1:PORT/chat', allow_private: true}}", port: server.port)
                for number in 0..<30 { try await bed.apply(.open(bed.alert("192.0.2.\(number)"))) }
                try await bed.apply(.open(bed.alert("192.0.2.1", rule: "other")))
                try await bed.route(settings)
                try await bed.force("update audit.delivery set due_at = clock_timestamp()")
                try await bed.dispatching(settings) {
                    try await eventually("all") { try await bed.deliveries().allSatisfy { $0.state == .delivered } }
                }
                #expect(server.requests.count == 2)
                #expect(server.requests.contains { $0.text.contains("30 alerts") && $0.text.contains("and 10 more") })
            }
        }
    }
}
