import HTTPTypes
import NIOCore
import Testing

@testable import AuditMiddleware

@Suite struct RequestFactsTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"

    @Test(
        "a traceparent is valid as the specification says, and not otherwise",
        arguments: [
            ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", true), ("00-\(trace)-\(span)-ff", true),
            ("cc-\(trace)-\(span)-01", true), ("cc-\(trace)-\(span)-01-what-the-future-holds", true),
            ("cc-\(trace)-\(span)-01.what", false),
            ("00-\(trace)-\(span)-01-extra", false), ("00-\(trace)-\(span)-01-", false), ("ff-\(trace)-\(span)-01", false),
            ("00-\(trace.uppercased())-\(span)-01", false), ("00-\(trace)-\(span.uppercased())-01", false),
            ("00-00000000000000000000000000000000-\(span)-01", false), ("00-\(trace)-0000000000000000-01", false),
            ("0-\(trace)-\(span)-01", false), ("00-\(trace)-\(span)-1", false), ("00-\(trace)-\(span)", false),
            ("00-\(trace)_\(span)-01", false), ("00-\(trace)-\(span)-0g", false), (" 00-\(trace)-\(span)-01", false), ("", false),
            ("00-\(trace.dropLast())é-\(span)-01", false),
        ])
    func traceParent(_ header: String, _ valid: Bool) {
        #expect((TraceParent(header) != nil) == valid)
    }

    @Test(
        "query keys are kept, values never",
        arguments: [
            ("a=1&b=2", ["a", "b"]), ("a=1&a=2", ["a"]), ("flag", ["*"]), ("a&b=", ["*", "b"]), ("=x", ["*"]), ("&&", []),
            ("eyJhbGciOiJIUzI1NiJ9.e30.abc", ["*"]), ("hunter2", ["*"]), ("sk_live_0123456789", ["*"]),
            ("filter[name]=x", ["filter[name]"]),
            ("a=b=c", ["a"]), ("na%20me=x", ["na%20me"]), ("näme=x", ["*"]), (String(repeating: "k", count: 41) + "=1", ["*"]),
        ] as [(String, [String])])
    func queryKeys(_ query: String, _ keys: [String]) {
        #expect(RequestFacts.queryKeys(query) == keys)
    }

    @Test("a flood of query keys is bounded")
    func manyKeys() {
        #expect(RequestFacts.queryKeys((0..<10_000).map { "k\($0)=1" }.joined(separator: "&")).count <= 32)
    }

    @Test("text is cut between scalars")
    func bounded() {
        #expect(RequestFacts.bounded("häß", to: 3) == "hä")
        #expect(RequestFacts.bounded("häß", to: 2) == "h")
        #expect(RequestFacts.bounded("häß", to: 5) == "häß")
        #expect(RequestFacts.bounded("👩‍👩‍👧", to: 5) == "👩")
    }

    @Test("unknown methods have one name")
    func methods() {
        #expect(RequestFacts.method(.patch) == "PATCH")
        #expect(RequestFacts.method(.init("PROPFIND")!) == "_OTHER")
        #expect(RequestFacts.method(.init("get")!) == "_OTHER")
    }

    @Test(
        "addresses are read, folded and written in one form",
        arguments: [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1", "192.0.2.1"),
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "2001:db8::"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("fe80::1%eth0", "fe80::1", "fe80::"), ("::1", "::1", "::"), ("0.0.0.0", "0.0.0.0", "0.0.0.0"),
            ("255.255.255.255", "255.255.255.255", "255.255.255.255"),
        ])
    func addresses(_ text: String, _ canonical: String, _ network: String) {
        #expect(ClientAddress(text)?.description == canonical)
        #expect(ClientAddress(text)?.network.description == network)
    }

    @Test(
        "what is no address is none",
        arguments: [
            "", "unknown", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:80", "[::1]", "::1::", "1.2.3.4\0", " 1.2.3.4", "１.2.3.4", "g::1",
        ])
    func noAddress(_ text: String) {
        #expect(ClientAddress(text) == nil)
    }

    @Test("a socket's peer is an address with its port, a Unix socket's is none")
    func peers() throws {
        let v4 = try #require(ClientAddress(try SocketAddress(ipAddress: "192.0.2.9", port: 4711)))
        #expect(v4.description == "192.0.2.9")
        #expect(v4.port == 4711)
        let v6 = try #require(ClientAddress(try SocketAddress(ipAddress: "2001:db8::9", port: 4712)))
        #expect(v6.description == "2001:db8::9")
        #expect(v6.port == 4712)
        #expect(ClientAddress(try SocketAddress(ipAddress: "::ffff:192.0.2.9", port: 1)) == v4)
        #expect(ClientAddress(try SocketAddress(unixDomainSocketPath: "/tmp/s")) == nil)
    }
}
