import AuditEvents
import Testing

@testable import Detection

@Suite("Requests without their disguises")
struct RequestTextTests {
    static func plain(_ text: String) -> String { String(decoding: RequestText.plain(Array(text.utf8)), as: UTF8.self) }

    @Test(
        "percent escapes, doubled ones, overlong UTF-8, %u, plus signs, white space and comments are undone",
        arguments: [
            ("/a/b?c=d", "/a/b?c=d"), ("/%2e%2E%2f", "/../"), ("/%252e%252e%252f", "/../"), ("/%25252e", "/."), ("/%2525252e", "/%2e"),
            ("/%c0%ae%C0%AF", "/./"), ("/%c1%9c", "/\\"), ("/%u002e%uff0e", "/.."), ("/%u4e2d", "/?"),
            ("?q=a+b%2bc%20%09%0ad", "?q=a b c d"),
            ("?q=union/**/select", "?q=union select"), ("/100%", "/100%"), ("/%zz%2", "/%zz%2"), ("/%u00", "/%u00"), ("", ""), ("%", "%"),
            ("/caf%C3%A9", "/café"),
        ])
    func plain(_ given: String, _ wanted: String) { #expect(Self.plain(given) == wanted) }

    @Test("bytes that are no text stay bytes, and nothing grows")
    func bytes() {
        for first in UInt8.min...UInt8.max {
            let text: [UInt8] = [0x2f, first, 0x25, 0x25, 0x32, 0x35, first, 0x2b]
            #expect(RequestText.plain(text).count <= text.count)
        }
        let long = [UInt8](repeating: 0x25, count: 100_000)
        #expect(RequestText.plain(long) == long)
    }

    @Test("a request that was no HTTP, and names of a query, are looked at too")
    func otherPlaces() throws {
        let files = try RuleSet.builtInFiles.filter { $0.name == "path_traversal.yml" }
        var engine = DetectionEngine(rules: try RuleSet(files: files))
        let events = (0..<3).map { n in
            var event = EngineTests.event(0, ip: "192.0.2.1", type: .httpRequest, entropy: UInt64(n))
            if n == 0 {
                event.event.body.details["query_keys"] = ["a", "%2e%2e%2f"]
            } else {
                event.event.body.details["request"] = "\u{16}GET /..%5C.."
            }
            event.index = Int64(n)
            return event
        }
        #expect(engine.process(events).count == 1)
    }
}
