import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import Synchronization
import Testing

@testable import AuditMiddleware

@Suite struct RequestTimeoutTests {
    /// Time that passes when the test says so.
    final class Alarm: Sendable {
        private let rung = Mutex(false)
        func ring() { rung.withLock { $0 = true } }
        func sleep() async throws {
            while !rung.withLock({ $0 }) {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }

    @Test("a handler that takes too long is cancelled, and the request is 503 with one event", arguments: Way.allCases)
    func slow(_ way: Way) async throws {
        let test = TestApplication()
        let alarm = Alarm()
        let cancelled = Mutex(false)
        let router = TestApplication.router()
        router.group()
            .add(middleware: RequestTimeout(.seconds(5), retryAfterSeconds: 7) { _ in try await alarm.sleep() })
            .get("slow") { _, _ in
                alarm.ring()
                do { try await Task.sleep(for: .seconds(600)) } catch {
                    cancelled.withLock { $0 = true }
                    throw error
                }
                return "late"
            }
        router.get("ok") { _, _ in "ok" }
        try await Exchange.run(way, test, router) { (send) async throws -> Void in
            let answer = try await send(.get("/slow"))
            #expect(answer.status == 503)
            #expect(answer.isProblem)
            #expect(answer["Retry-After"] == "7")
            #expect(cancelled.withLock { $0 })
            #expect(test.sink.events.count == 1)
            #expect(test.sink.requests.first?.header.reason == "timeout")
            #expect(test.sink.requests.first?.header.outcome == .error)
            #expect(try await send(.get("/ok")).status == 200)
        }
    }

    @Test("a response within the time, an error and the stream that follows are left alone", arguments: Way.allCases)
    func fast(_ way: Way) async throws {
        let test = TestApplication()
        let alarm = Alarm()
        let router = TestApplication.router()
        let group = router.group().add(
            middleware: RequestTimeout(.seconds(5), status: .gatewayTimeout) { _ in try await alarm.sleep() })
        group.get("ok") { _, _ in "ok" }
        group.get("broken") { _, _ -> String in throw HTTPError(.conflict) }
        group.get("stream") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    alarm.ring()
                    try await writer.write(ByteBuffer(string: "whole"))
                    try await writer.finish(nil)
                })
        }
        try await Exchange.run(way, test, router) { (send) async throws -> Void in
            #expect(try await send(.get("/ok")).text == "ok")
            #expect(try await send(.get("/broken")).status == 409)
            #expect(try await send(.get("/stream")).text == "whole")
        }
    }

    @Test("a response made in spite of the cancellation comes too late", arguments: Way.allCases)
    func stubborn(_ way: Way) async throws {
        let test = TestApplication()
        let alarm = Alarm()
        let router = TestApplication.router()
        router.group().add(middleware: RequestTimeout(.seconds(5), status: .gatewayTimeout) { _ in try await alarm.sleep() })
            .get("stubborn") { _, _ in
                alarm.ring()
                while !Task.isCancelled { await Task.yield() }
                return "late"
            }
        try await Exchange.run(way, test, router) { (send) async throws -> Void in
            let answer = try await send(.get("/stubborn"))
            #expect(answer.status == 504)
            #expect(!answer.text.contains("late"))
            #expect(test.sink.requests.first?.header.reason == "timeout")
        }
    }

    @Test("an upload that does not come in time ends the request")
    func slowBody() async throws {
        let test = TestApplication()
        let alarm = Alarm()
        let router = TestApplication.router()
        router.group().add(middleware: RequestTimeout(.seconds(5)) { _ in try await alarm.sleep() }).post("upload") { request, _ in
            alarm.ring()
            _ = try await request.body.collect(upTo: 1 << 20)
            return "done"
        }
        try await Exchange.run(.live, test, router) { (send) async throws -> Void in
            let answer = try await Exchange.send(
                try #require(send.port), "POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\nonly this")
            #expect(answer.status == 503)
            #expect(test.sink.requests.map(\.header.reason) == ["timeout"])
        }
    }
}
