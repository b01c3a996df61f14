import AuditEvents
import AuditTesting
import Testing

@testable import Projections

@Suite("Views are pure folds") struct ViewTests {
    private static let start = Timestamp("2026-05-04T10:00:00Z") ?? .epoch

    private func event(
        _ type: EventType, at seconds: Int64, tenant: String = "t", reason: String? = nil, actor: String? = nil, ip: String? = nil,
        agent: String? = nil,
        session: String? = nil, token: String? = nil, status: Int16? = nil, route: String? = nil, duration: Int64? = nil,
        path: String? = nil,
        details: JSONObject = [:]
    ) -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: EventID(time: Self.start.advanced(bySeconds: seconds), entropy: UInt64(seconds)), tenant: tenant, source: "api",
                type: type,
                outcome: .unknown, reason: reason, method: status == nil ? nil : "GET", route: route, status: status,
                durationMicroseconds: duration),
            body: EventBody(
                actor: actor.map { .init(name: $0) }, client: ip == nil && agent == nil ? nil : .init(ip: ip, userAgent: agent),
                session: session,
                token: token.map { .init(fingerprint: $0) }, path: path, details: details))
    }

    private func at(_ seconds: Int64) -> Timestamp { Self.start.advanced(bySeconds: seconds) }

    @Test("failed_login: a row begins with a failure, a success ends the streak, times are events' times in whatever order")
    func failedLogin() throws {
        let rows = folded(
            FailedLoginView.self,
            [
                event(.loginSuccess, at: 0, actor: "ann", ip: "192.0.2.1"),
                event(.loginFailure, at: 20, reason: "bad_password", actor: "ann", ip: "192.0.2.1"),
                event(.loginFailure, at: 10, reason: "bad_password", actor: "ann", ip: "192.0.2.2"),
                event(.loginSuccess, at: 30, actor: "ann", ip: "192.0.2.2"), event(.loginFailureMaximum, at: 40, actor: "ann"),
                event(.loginFailureMaximum, at: 40, reason: "max_failures", actor: "ann"),
                event(.loginFailure, at: 50, tenant: "other", actor: "ann"), event(.loginFailure, at: 60),
                event(.httpRequest, at: 70, actor: "bob"),
            ])
        #expect(
            Set(rows.keys.map { "\($0.tenant.text) \($0.kind.text) \($0.subject.text)" }) == [
                "t account ann", "t address 192.0.2.1", "t address 192.0.2.2", "other account ann",
            ])
        let ann = try #require(rows[.init(tenant: "t", kind: "account", subject: "ann")])
        #expect(ann.failures == 3 && ann.successes == 1 && ann.streak == 1 && ann.longestStreak == 2)
        #expect(ann.firstFailure == at(10) && ann.lastFailure == at(40) && ann.lastSuccess == at(30))
        #expect(ann.reasons == ["bad_password": 2, "unknown": 1])
        #expect(rows[.init(tenant: "t", kind: "address", subject: "192.0.2.2")]?.streak == 0)
    }

    @Test("suspicious_token: refused, reused, or seen from a second address with a second agent")
    func suspiciousToken() throws {
        let rows = folded(
            SuspiciousTokenView.self,
            [
                event(.httpRequest, at: 1, ip: "192.0.2.1", agent: "a", token: "fp_1", status: 200),
                event(.httpRequest, at: 2, ip: "192.0.2.2", agent: "a", token: "fp_1", status: 200),
                event(.tokenRejected, at: 3, reason: "expired", ip: "192.0.2.1", token: "fp_2"), event(.tokenReuse, at: 4, token: "fp_2"),
                event(.httpRequest, at: 6, ip: "192.0.2.1", agent: "a", token: "fp_3", status: 200),
                event(.httpRequest, at: 5, ip: "192.0.2.9", agent: "b", token: "fp_3", status: 200),
                event(.httpRequest, at: 9, status: 200),
            ])
        #expect(rows.count == 3)
        let moved = try #require(rows[.init(tenant: "t", token: "fp_1")])
        #expect(!moved.isSuspicious && moved.uses == 2 && moved.addresses == ["192.0.2.1", "192.0.2.2"] && moved.agents == ["a"])
        let refused = try #require(rows[.init(tenant: "t", token: "fp_2")])
        #expect(refused.isSuspicious && refused.refusals == 2 && refused.reasons == ["expired": 1, "authn_token_reuse": 1])
        let stolen = try #require(rows[.init(tenant: "t", token: "fp_3")])
        #expect(
            stolen.isSuspicious && stolen.reasons == ["new_address_and_agent": 1] && stolen.firstSeen == at(5) && stolen.lastSeen == at(6))
    }

    @Test("rate_limit_violation: by client, policy and route; a path without its query where there is no route")
    func rateLimit() throws {
        let rows = folded(
            RateLimitViolationView.self,
            [
                event(.rateLimitExceeded, at: 5, ip: "192.0.2.1", route: "/login", details: ["policy": "login"]),
                event(.rateLimitExceeded, at: 1, ip: "192.0.2.1", route: "/login", details: ["policy": "login"]),
                event(.rateLimitExceeded, at: 2, reason: "burst", actor: "ann", path: "/x?q=1"), event(.rateLimitExceeded, at: 3),
                event(.httpRequest, at: 3, ip: "192.0.2.1", status: 429),
            ])
        #expect(rows.count == 3)
        let login = try #require(rows[.init(tenant: "t", client: "192.0.2.1", policy: "login", route: "/login")])
        #expect(login.violations == 2 && login.firstSeen == at(1) && login.lastSeen == at(5))
        #expect(rows[.init(tenant: "t", client: "ann", policy: "burst", route: "/x")]?.violations == 1)
        #expect(rows[.init(tenant: "t", client: "(unknown)", policy: "(none)", route: "(none)")]?.violations == 1)
    }

    @Test("session: who, since when, from where, and how it ended")
    func session() throws {
        let rows = folded(
            SessionView.self,
            [
                event(.sessionCreated, at: 1, actor: "ann", ip: "192.0.2.1", session: "fp_s"),
                event(.httpRequest, at: 2, ip: "192.0.2.2", session: "fp_s", status: 200), event(.httpRequest, at: 2, status: 200),
                event(.sessionEnded, at: 9, reason: "logout", session: "fp_s"), event(.sessionExpired, at: 20, session: "fp_u"),
            ])
        #expect(rows.count == 2)
        let row = try #require(rows[.init(tenant: "t", session: "fp_s")])
        #expect(row.actor == "ann" && row.state == "ended" && row.endReason == "logout" && row.created == at(1) && row.ended == at(9))
        #expect(row.requests == 1 && row.addresses == ["192.0.2.1", "192.0.2.2"] && row.firstSeen == at(1) && row.lastSeen == at(9))
        #expect(rows[.init(tenant: "t", session: "fp_u")]?.state == "expired")
    }

    @Test("request_summary: by route and minute, counted by status class")
    func requestSummary() throws {
        let events = [
            event(.httpRequest, at: 0, status: 200, route: "/a", duration: 10),
            event(.httpRequest, at: 59, status: 404, route: "/a", duration: 30),
            event(.httpRequest, at: 60, status: 503, route: "/a"), event(.httpRequest, at: 61, status: 700, route: "/a"),
            event(.httpRequest, at: 62, status: 200), event(.loginFailure, at: 1),
        ]
        let rows = folded(RequestSummaryView.self, events)
        #expect(rows.count == 3)
        let first = try #require(rows[.init(events[0])])
        #expect(first.classes == [0, 0, 1, 0, 1, 0] && first.latency.maximum == 30)
        let second = try #require(rows[.init(events[2])])
        #expect(second.classes == [1, 0, 0, 0, 0, 1] && second.latency.quantile(0.5) == nil)
    }

    @Test("a row names a bounded number of reasons, addresses and agents, each of bounded length, and counts all")
    func bounded() throws {
        let events = (0..<1000).map { index in
            event(
                .tokenRejected, at: Int64(index), reason: "r\(index)", ip: "192.0.2.\(index < 500 ? 0 : index)",
                agent: "a\(index)" + String(repeating: "x", count: 5000), token: "fp_1")
        }
        let row = try #require(folded(SuspiciousTokenView.self, events).values.first)
        #expect(row.addresses.count <= RowBounds.distinct && row.agents.count == RowBounds.distinct)
        #expect(row.reasons.count <= RowBounds.distinct + 2 && row.reasons.values.reduce(0, +) == 1001 && row.refusals == 1000)
        #expect(row.reasons["new_address_and_agent"] == 1)
        #expect(row.agents.allSatisfy { $0.utf8.count <= KeyText.limit })
    }

    @Test("a key's text is compared by its bytes, and bounded without making two one")
    func keyText() {
        #expect(KeyText("\u{e9}") != KeyText("e\u{301}"))
        #expect(Set([KeyText("\u{e9}"), KeyText("e\u{301}")]).count == 2)
        for length in [509, 511, 512, 513, 514, 515, 5000] {
            let long = String(repeating: "€", count: length / 3 + 1)
            let text = KeyText(long)
            #expect(text.text.utf8.count <= KeyText.limit && KeyText(text.text) == text)
            #expect(long.utf8.count <= KeyText.limit ? text.text == long : text != KeyText(long + "x"))
        }
    }

    @Test("latency quantiles are at most an eighth above the exact ones", arguments: 0..<30)
    func quantiles(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let ceiling = Int64(1) << Int64.random(in: 1...40, using: &random)
        let values = (0..<Int.random(in: 1...2000, using: &random)).map { _ in Int64.random(in: 0...ceiling, using: &random) }
        var histogram = LatencyHistogram()
        for value in values { histogram.add(value) }
        let sorted = values.sorted()
        for quantile in [0.01, 0.5, 0.9, 0.99, 1] {
            let exact = sorted[max(1, Int((Double(sorted.count) * quantile).rounded(.up))) - 1]
            let estimate = histogram.quantile(quantile) ?? -1
            #expect(estimate >= exact && estimate - exact <= exact / 8 + 1, "\(quantile) of \(values.count) up to \(ceiling)")
        }
    }

    @Test("a duration of any size is counted, also the largest there is, and one below zero")
    func extremes() {
        var histogram = LatencyHistogram()
        for value in [Int64.max, Int64.max - 1, 0, -5, .min] { histogram.add(value) }
        #expect(histogram.quantile(1) == LatencyHistogram.longest && histogram.quantile(0.5) == 0)
        for exponent in 0..<63 {
            for value in [Int64(1) << Int64(exponent), (Int64(1) << Int64(exponent)) - 1] {
                #expect(LatencyHistogram.upperBound(of: LatencyHistogram.bucket(value)) >= value)
            }
        }
    }
}
