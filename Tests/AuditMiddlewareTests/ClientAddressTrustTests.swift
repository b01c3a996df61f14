import AuditEvents
import AuditTesting
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

@testable import AuditMiddleware

extension TestApplication {
    func application(_ router: Router<TestContext>, trust: ClientAddressTrust) -> some ApplicationProtocol {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let recorder = AuditRecorder(
            sink: sink,
            configuration: .init(
                source: "shop", fingerprinter: Self.fingerprinter, tenant: "acme", clock: clock.clock, clientAddress: trust),
            logger: logger)
        return Application(
            responder: recorder.wrap(router), configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
    }
}

@Suite struct NetworkRangeTests {
    @Test("holds what its prefix says, of its own family alone")
    func contains() throws {
        for (range, inside, outside) in [
            (
                "10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                ["9.255.255.255", "11.0.0.0", "::a00:1", "2001:db8::a00:1"]
            ),
            ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]), ("192.0.2.6/31", ["192.0.2.6", "192.0.2.7"], ["192.0.2.8"]),
            ("0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["::1", "2001:db8::1"]), ("::/0", ["::1", "2001:db8::1"], ["1.2.3.4"]),
            ("2001:db8::/32", ["2001:db8:ffff::1"], ["2001:db9::"]), ("2001:db8::/65", ["2001:db8::7fff:0:0:0"], ["2001:db8::8000:0:0:0"]),
            ("::1", ["::1"], ["::2", "::"]), ("::ffff:192.0.2.0/120", ["192.0.2.255"], ["192.0.3.0"]),
            ("fe80::/10", ["fe80::1%eth0", "febf::1"], ["fec0::1"]),
        ] {
            let network = try #require(NetworkRange(range), "\(range)")
            for address in inside { #expect(ClientAddress(address).map(network.contains) == true, "\(address) in \(range)") }
            for address in outside { #expect(ClientAddress(address).map(network.contains) == false, "\(address) not in \(range)") }
            #expect(NetworkRange(network.description) == network)
        }
    }

    @Test(
        "refuses what is no network",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/8", "10.1.2.3/8", "::1/64",
            "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0/8", "010.0.0.0/8", "10.0.0.0/255.0.0.0", "::/129", "fe80::%1/10", "::ffff:0:0/64",
            "localhost", "*", "10.0.0.0/８", "10.0.0.0\0/8", String(repeating: "1", count: 10_000),
        ])
    func refuses(_ text: String) { #expect(NetworkRange(text) == nil) }

    @Test("every address and length agrees with bit by bit comparison", arguments: 0..<20)
    func bits(_ seed: Int) throws {
        var lottery = Lottery(state: UInt64(seed) &+ 17)
        var wrong = 0
        for _ in 0..<500 {
            let isIPv4 = Bool.random(using: &lottery)
            let length = Int.random(in: 0...(isIPv4 ? 32 : 128), using: &lottery)
            let full = isIPv4 ? length + 96 : length
            func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~0 << UInt64(64 - bits) }
            func random() -> (UInt64, UInt64) {
                isIPv4 ? (0, 0xffff_0000_0000 | lottery.next() >> 32) : (lottery.next() | 1 << 62, lottery.next())
            }
            let base = random()
            let (high, low) = (base.0 & mask(full), base.1 & mask(full - 64))
            let text = "\(ClientAddress(high: high, low: low))/\(length)"
            guard let network = NetworkRange(text) else {
                // A short IPv6 prefix of zeros alone reads as another family; none else.
                if high != 0 || isIPv4 { wrong += 1 }
                continue
            }
            for _ in 0..<4 {
                var other = Bool.random(using: &lottery) ? base : random()
                if Bool.random(using: &lottery) { other.1 ^= 1 << UInt64.random(in: 0..<(isIPv4 ? 32 : 64), using: &lottery) }
                let expected = other.0 & mask(full) == high && other.1 & mask(full - 64) == low
                if network.contains(ClientAddress(high: other.0, low: other.1)) != expected { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }
}

@Suite struct ClientAddressTrustTests {
    struct Case: Sendable {
        var lines: [String]
        var client: String
        var refusal: String?
        init(_ lines: [String], _ client: String, _ refusal: String? = nil) {
            (self.lines, self.client, self.refusal) = (lines, client, refusal)
        }
    }

    static let proxies = ["10.0.0.0/8", "2001:db8:1::/48"].compactMap(NetworkRange.init)
    static let peer = "10.0.0.1"

    static func expect(
        _ trust: ClientAddressTrust, _ name: String, _ all: [Case], peer: String? = peer, _ location: SourceLocation = #_sourceLocation
    ) throws {
        for one in all {
            var headers = HTTPFields()
            for line in one.lines { headers.append(HTTPField(name: try #require(HTTPField.Name(name)), value: line)) }
            let result = trust.resolve(peer: peer.flatMap { ClientAddress($0) }, headers: headers)
            let shown = one.lines.map { $0.prefix(80) }
            #expect(result.address?.description ?? "nobody" == one.client, "\(shown)", sourceLocation: location)
            #expect(result.refusal == one.refusal, "\(shown)", sourceLocation: location)
        }
    }

    static let forwardedFor: [Case] =
        [
            Case([], peer), Case([""], peer), Case([",, ,\t,"], peer), Case(["203.0.113.7"], "203.0.113.7"),
            Case(["198.51.100.1, 203.0.113.7"], "203.0.113.7"), Case(["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
            Case(["203.0.113.7, 10.0.0.2"], "203.0.113.7"), Case(["6.6.6.6, 203.0.113.7, 10.0.0.2", "10.0.0.3,10.0.0.4"], "203.0.113.7"),
            Case(["10.0.0.9"], "10.0.0.9"), Case(["10.0.0.9, 10.0.0.8"], "10.0.0.9"), Case(["\t203.0.113.7\t,"], "203.0.113.7"),
            // Other ways to write a proxy's address do not get past the check.
            Case(["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"), Case(["203.0.113.7, ::ffff:a00:2"], "203.0.113.7"),
            Case(["203.0.113.7, 2001:DB8:1:0::5%1"], "203.0.113.7"), Case(["203.0.113.7, [2001:db8:1::5]:80"], "203.0.113.7"),
            Case(["::ffff:203.0.113.7"], "203.0.113.7"), Case(["fe80::1%eth0"], "fe80::1"), Case(["203.0.113.7:4711"], "203.0.113.7"),
            Case(["[2001:db8::1]:4711"], "2001:db8::1"), Case(["[2001:db8::1]"], "2001:db8::1"), Case(["2001:db8::1"], "2001:db8::1"),
            Case(["unknown"], peer, "unidentified"), Case(["203.0.113.7, _hidden, 10.0.0.2"], "10.0.0.2", "unidentified"),
            // What stands left of garbage nobody vouches for.
            Case(["203.0.113.7, garbage"], peer, "malformed"), Case(["203.0.113.7, garbage, 10.0.0.2"], "10.0.0.2", "malformed"),
            Case(["garbage, 203.0.113.7"], "203.0.113.7"),
            Case(["203.0.113.7, " + Array(repeating: "10.0.0.2", count: 40).joined(separator: ",")], "10.0.0.2", "too_many_hops"),
            Case([String(repeating: "6.6.6.6, ", count: 20_000) + "203.0.113.7"], "203.0.113.7"),
            Case(Array(repeating: "6.6.6.6", count: 5_000) + ["203.0.113.7"], "203.0.113.7"),
        ]
        + [
            "garbage", "010.0.0.1", "0x7f.1", "127.1", "2130706433", "1.2.3.4.5", "1.2.3", "256.1.1.1", "1.2.3.4:", "1.2.3.4:65536",
            "1.2.3.4:-1",
            "1.2.3.4:123456", "1.2.3.4:80:80", "[1.2.3.4]", "[::1", "::1]", "[::1]x", "[::1]:", "[]", "[", ":", ":::", "1::2::3", "12345::",
            "fe80::1%",
            "1.2.3.4%eth0", "1.2.3.4 5", "1.2.3.4;5.6.7.8", "\"1.2.3.4\"", "１.2.3.4", "for=1.2.3.4", "<script>", "'; drop table",
            "localhost", "example.com", "1.2.3.4/8",
            "-1.2.3.4", "1,2,3,4", "_", "1.2.3.4\u{301}", "%00", "::ffff:1.2.3.256", "1.2.3.4:８０", String(repeating: "1", count: 100_000),
        ].map { Case([$0], peer, "malformed") }

    @Test("X-Forwarded-For is walked from the right, over all its lines, to the first stranger")
    func forwardedForHeader() throws {
        let trust = ClientAddressTrust.trustedProxies(Self.proxies, header: .xForwardedFor)
        try Self.expect(trust, "X-Forwarded-For", Self.forwardedFor)
        try Self.expect(trust, "x-forwarded-FOR", [Case(["203.0.113.7"], "203.0.113.7")])
        // A peer that is no proxy is the client, whatever it says; one without an address is a proxy.
        try Self.expect(
            trust, "X-Forwarded-For", [Case(["1.2.3.4"], "203.0.113.9"), Case(["garbage"], "203.0.113.9")], peer: "203.0.113.9")
        try Self.expect(trust, "X-Forwarded-For", [Case(["1.2.3.4"], "1.2.3.4"), Case(["garbage"], "nobody", "malformed")], peer: nil)
        // The other header is nobody's word.
        try Self.expect(trust, "Forwarded", [Case(["for=1.2.3.4"], Self.peer)])
        try Self.expect(.trustedProxies([], header: .xForwardedFor), "X-Forwarded-For", [Case(["1.2.3.4"], Self.peer)])
    }

    static let forwarded: [Case] =
        [
            Case([], peer), Case([""], peer), Case(["for=203.0.113.7"], "203.0.113.7"), Case(["For=\"203.0.113.7:4711\""], "203.0.113.7"),
            Case(["for=\"[2001:db8::1]:4711\""], "2001:db8::1"), Case(["FOR=\"[2001:DB8::1]\""], "2001:db8::1"),
            Case(["for=203.0.113.7;proto=https;by=10.0.0.1"], "203.0.113.7"),
            Case(["proto=http;host=\"a, b\";for=203.0.113.7"], "203.0.113.7"),
            Case(["for=6.6.6.6, for=203.0.113.7, for=10.0.0.2"], "203.0.113.7"), Case(["for=203.0.113.7", "for=10.0.0.2"], "203.0.113.7"),
            Case([",,for=203.0.113.7,, ,"], "203.0.113.7"), Case([";for=203.0.113.7;"], "203.0.113.7"),
            Case(["for=\"\\[2001:db8::1\\]\""], "2001:db8::1"), Case(["for=203.0.113.7,for=\"[::ffff:10.0.0.2]\""], "203.0.113.7"),
            Case(["for=\"[fe80::1%25]\""], "fe80::1"), Case(["for=unknown"], peer, "unidentified"),
            Case(["for=UNKNOWN"], peer, "unidentified"),
            Case(["for=_x"], peer, "unidentified"), Case(["for=\"_x:_p\""], peer, "unidentified"),
            Case(["for=\"unknown:80\""], peer, "unidentified"),
            Case(["for=\"203.0.113.7:_p\""], "203.0.113.7"), Case(["proto=http"], peer, "unidentified"), Case([";"], peer, "unidentified"),
            Case(["for=203.0.113.7, for=_hidden, for=10.0.0.2"], "10.0.0.2", "unidentified"),
            // A quote that a client opens swallows nothing that a proxy puts on a line of its own.
            Case(["for=\"", "for=203.0.113.7"], "203.0.113.7"), Case(["for=\", for=203.0.113.7"], peer, "malformed"),
            Case(["for=\"203.0.113.7", "\""], peer, "malformed"),
            Case(["for=6.6.6.6", "garbage", "for=10.0.0.2"], "10.0.0.2", "malformed"),
            Case([Array(repeating: "for=10.0.0.2", count: 40).joined(separator: ",")], "10.0.0.2", "too_many_hops"),
        ]
        + [
            "for=[2001:db8::1]", "for=\"2001:db8::1\"", "for=203.0.113.7:80", "for=\"203.0.113.7", "for=", "for", "=x", "for=\"\"",
            "for=203.0.113.7;for=10.0.0.1", "for=203.0.113.7;x=1;X=2", "for=203.0.113.7; proto=http", "for =1.2.3.4", "for= 1.2.3.4",
            "for=\"1.2.3.4\"x", "for='1.2.3.4'", "203.0.113.7", "for=x", "for=\"_\"", "for=\"_ä\"", "for=\"1.2.3.4:99999\"",
            "for=\"[::1]:\"", "for=\"a\\",
            "for=1.2.3.4 for=5.6.7.8", "for=010.0.0.1", "for=\"[1.2.3.4]\"", "for=\"1.2.3.4,5.6.7.8\"", "for==1.2.3.4", "for=1.2.3.4;by",
            "{\"for\":1}",
            "fo\u{fc}r=1.2.3.4", (0..<17).map { "p\($0)=1" }.joined(separator: ";"),
            "for=203.0.113.7, " + String(repeating: "x", count: 20_000) + "=1", String(repeating: "\"", count: 5_000),
        ].map { Case([$0], peer, "malformed") }

    @Test("Forwarded is read strictly by RFC 7239")
    func forwardedHeader() throws {
        try Self.expect(.trustedProxies(Self.proxies, header: .forwarded), "Forwarded", Self.forwarded)
    }

    @Test("a port that was told is the client's")
    func port() throws {
        let trust = ClientAddressTrust.trustedProxies(Self.proxies, header: .forwarded)
        let headers: HTTPFields = [.forwarded: "for=\"[2001:db8::1]:4711\""]
        #expect(trust.resolve(peer: ClientAddress(Self.peer), headers: headers).address?.port == 4711)
    }

    @Test("a number of hops is counted from the right over all lines")
    func hops() throws {
        let two = ClientAddressTrust.trustedHops(2)
        try Self.expect(
            two, "X-Forwarded-For",
            [
                Case(["1.1.1.1, 2.2.2.2"], "1.1.1.1"), Case(["6.6.6.6, 1.1.1.1, 2.2.2.2"], "1.1.1.1"),
                Case(["6.6.6.6", "1.1.1.1", "2.2.2.2"], "1.1.1.1"), Case(["1.1.1.1,,unknown"], "1.1.1.1"), Case([], Self.peer),
                Case(["2.2.2.2"], Self.peer, "too_few_hops"), Case(["garbage, 2.2.2.2"], Self.peer, "malformed"),
                Case(["1.1.1.1, garbage"], Self.peer, "malformed"), Case(["unknown, 2.2.2.2"], Self.peer, "unidentified"),
                Case(["::ffff:1.1.1.1, x, y"], Self.peer, "malformed"),
            ])
        try Self.expect(.trustedHops(1, header: .forwarded), "Forwarded", [Case(["for=6.6.6.6, for=1.1.1.1"], "1.1.1.1")])
        // Absurd numbers are bounded.
        try Self.expect(.trustedHops(-5), "X-Forwarded-For", [Case(["1.1.1.1, 2.2.2.2"], "2.2.2.2")])
        try Self.expect(.trustedHops(.max), "X-Forwarded-For", [Case(["1.1.1.1"], Self.peer, "too_few_hops")])
    }

    @Test("a header of one's own proxy has exactly one address")
    func header() throws {
        let trust = ClientAddressTrust.header(try #require(HTTPField.Name("X-Real-IP")))
        try Self.expect(
            trust, "X-Real-IP",
            [
                Case([], Self.peer), Case(["203.0.113.7"], "203.0.113.7"), Case(["::ffff:203.0.113.7"], "203.0.113.7"),
                Case(["203.0.113.7", "203.0.113.7"], Self.peer, "repeated_header"), Case(["203.0.113.7, 1.2.3.4"], Self.peer, "malformed"),
                Case([""], Self.peer, "malformed"), Case(["unknown"], Self.peer, "malformed"),
            ])
    }

    @Test("the client is who the event, the limits and the handler see, and the peer stays known", arguments: Way.allCases)
    func everywhere(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.add(middleware: RateLimit(.init(name: "one", limit: 1, windowSeconds: 60), clock: test.clock.clock))
        router.get("who") { _, context in "\(context.audit.client?.description ?? "-") by \(context.audit.peer?.description ?? "-")" }
        let trust = ClientAddressTrust.trustedProxies(NetworkRange.loopback, header: .xForwardedFor)
        try await test.application(router, trust: trust).test(way.setup) { (client) async throws in
            func get(_ address: String) async throws -> TestResponse {
                try await client.execute(uri: "/who", method: .get, headers: [.xForwardedFor: "6.6.6.6, \(address)"])
            }
            let peer = way == .live ? "127.0.0.1" : "-"
            #expect(String(buffer: try await get("203.0.113.7").body) == "203.0.113.7 by \(peer)")
            #expect(try await get("203.0.113.7").status == .tooManyRequests)
            #expect(try await get("203.0.113.8").status == .ok)
            // The same /64 is one client, by whatever notation.
            #expect(try await get("2001:db8::1").status == .ok)
            #expect(try await get("[2001:db8::ffff:2]:443").status == .tooManyRequests)
            #expect(try await get("2001:db8:0:1::1").status == .ok)
            #expect(
                test.sink.requests.map(\.body.client?.ip) == [
                    "203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1",
                ])
            #expect(test.sink.requests.allSatisfy { $0.body.details["forwarding_refused"] == nil })
            #expect(test.sink.events(.rateLimitExceeded).map(\.body.client?.ip) == ["203.0.113.7", "2001:db8::ffff:2"])
        }
    }

    @Test("no forwarding header, however made, is believed, crashes or loses an event", arguments: Way.allCases)
    func hostile(_ way: Way) async throws {
        let test = TestApplication()
        let router = TestApplication.router()
        router.get("ok") { _, _ in "ok" }
        let all =
            Self.forwardedFor.map { ("X-Forwarded-For", $0) }.filter { $0.1.lines.joined().utf8.count < 20_000 && $0.1.lines.count < 50 }
            + Self.forwarded.map { ("Forwarded", $0) }
        #expect(all.count > 100)
        // Nobody's word is taken: always the peer.
        try await test.application(router).test(way.setup) { (client) async throws in
            for (name, one) in all {
                let before = test.sink.events.count
                #expect(try await client.execute(uri: "/ok", method: .get, headers: Self.fields(name, one)).status == .ok)
                let events = test.sink.events[before...]
                #expect(events.count == 1)
                #expect(events.first?.body.client?.ip == (way == .live ? "127.0.0.1" : nil))
            }
        }
        // Loopback's word is taken: the header's client or the proxy, and the event says why.
        for (header, name) in [(ForwardingHeader.xForwardedFor, "X-Forwarded-For"), (.forwarded, "Forwarded")] {
            let trust = ClientAddressTrust.trustedProxies(NetworkRange.loopback + Self.proxies, header: header)
            try await test.application(router, trust: trust).test(way.setup) { (client) async throws in
                for (_, one) in all.filter({ $0.0 == name }) {
                    let before = test.sink.events.count
                    #expect(try await client.execute(uri: "/ok", method: .get, headers: Self.fields(name, one)).status == .ok)
                    let event = try #require(test.sink.events.dropFirst(before).first)
                    #expect(test.sink.events.count == before + 1)
                    let expected = one.client == Self.peer ? (way == .live ? "127.0.0.1" : nil) : one.client
                    #expect(event.body.client?.ip == expected, "\(one.lines)")
                    #expect(event.body.details["forwarding_refused"] == one.refusal.map { .string($0) }, "\(one.lines)")
                }
            }
        }
    }

    static func fields(_ name: String, _ one: Case) -> HTTPFields {
        var headers = HTTPFields()
        guard let name = HTTPField.Name(name) else { return headers }
        for line in one.lines { headers.append(HTTPField(name: name, value: line)) }
        return headers
    }
}
