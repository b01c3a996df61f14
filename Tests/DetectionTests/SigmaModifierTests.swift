import AuditEvents
import Testing

@testable import Detection

@Suite("Sigma values and modifiers")
struct SigmaModifierTests {
    static func rules(_ selection: String) throws -> RuleSet {
        let yaml = "title: T\nlogsource: {product: cardea}\ndetection:\n    s:\n        \(selection)\n    condition: s\n"
        return try RuleSet(files: [("t.yml", Array(yaml.utf8))])
    }

    static func holds(_ selection: String, _ change: (inout AuditEvent) -> Void) throws -> Bool {
        var engine = DetectionEngine(rules: try rules(selection))
        var event = EngineTests.event(0)
        change(&event.event)
        return !engine.process([event]).isEmpty
    }

    @Test(
        "compare texts",
        arguments: [
            ("path: /Admin", "/admin", true), ("path: /admin", "/admin2", false), ("path|cased: /Admin", "/admin", false),
            ("path|cased: /Admin", "/Admin", true), ("path: /a*n", "/admin", true), ("path: /a*n", "/admin2", false),
            ("path: /a?min", "/admin", true), ("path: /a?min", "/a\u{e9}min", true), ("path: /a?min", "/amin", false),
            ("path: '?'", "\u{1F600}", true), ("path: '\\*'", "*", true), ("path: '\\*'", "x", false), ("path: '\\?'", "?", true),
            ("path: '\\\\*'", "\\x", true), ("path: '\\\\\\*'", "\\*", true), ("path: '\\\\\\*'", "\\x", false),
            ("path: 'a\\b'", "a\\b", true), ("path: '*'", "x", true), ("path: ''", "x", false),
            ("path|contains: dmi", "/ADMIN", true), ("path|contains: dmx", "/admin", false), ("path|startswith: /ad", "/admin", true),
            ("path|startswith: ad", "/admin", false), ("path|endswith: min", "/admin", true), ("path|endswith: mi", "/admin", false),
            ("path|contains: 'd*n'", "/admins", true), ("path|contains: ['x', 'adm']", "/admin", true),
            ("path|contains|all: ['x', 'adm']", "/admin", false), ("path|contains|all: ['min', 'adm']", "/admin", true),
            ("path|all|contains: ['min', 'adm']", "/admin", true), ("path|contains|cased: DMI", "/admin", false),
            ("path: ['/a', '/b', '/c', '/d']", "/C", true), ("path: ['/a', '/b', '/c', '/d']", "/e", false),
            ("path|neq: /admin", "/admin", false), ("path|neq: /admin", "/x", true), ("path|neq|startswith: ['/a', '/b']", "/bc", false),
            ("path: \u{c4}rger", "\u{e4}RGER", true), ("path: '*a*b*c*'", "xxaxxbxxcxx", true), ("path: '*a*b*c'", "abcd", false),
            ("path: '*a?c*'", "abbcabc", true), ("path: 'a*a'", "a", false), ("path: '*?'", "", false), ("path: 'x*?b'", "xaab", true),
            ("path: 'x*??'", "x\u{e9}\u{e9}", true), ("path: 'x*??'", "x\u{e9}", false),
            ("path|re: ^/ad.*n$", "/admin", true), ("path|re: ^/AD", "/admin", false), ("path|re|i: ^/AD", "/admin", true),
            ("path|re: 'a.b'", "a\nb", false), ("path|re|s: 'a.b'", "a\nb", true), ("path|re|m: '^b'", "a\nb", true),
            ("path|exists: true", "x", true), ("path|exists: false", "x", false), ("path: null", "x", false),
            ("path: 12", "12", true), ("path: 12", "012", false), ("path|gt: 5", "6", true), ("path|gt: 5", "5", false),
            ("path|gte: 5", "5", true), ("path|lt: 5", "4.5", true), ("path|lte: 5", "5.1", false), ("path|lt: 5", "x", false),
        ])
    func texts(selection: String, path: String, expected: Bool) throws {
        #expect(try Self.holds(selection) { $0.body.path = path } == expected)
    }

    @Test(
        "compare addresses",
        arguments: [
            ("192.0.2.0/24", "192.0.2.77", true), ("192.0.2.0/24", "192.0.3.1", false), ("192.0.2.0/25", "192.0.2.128", false),
            ("192.0.2.1", "192.0.2.1", true), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "nonsense", false),
        ])
    func addresses(range: String, address: String, expected: Bool) throws {
        #expect(try Self.holds("client_ip|cidr: '\(range)'") { $0.body.client = .init(ip: address) } == expected)
    }

    @Test("take a missing or empty field as null")
    func null() throws {
        #expect(try Self.holds("cs-referer: null") { $0.body.details = [:] })
        #expect(try Self.holds("cs-referer: null") { $0.body.details["referer"] = "" })
        #expect(try !Self.holds("cs-referer: null") { $0.body.details["referer"] = "https://example.com/" })
        #expect(try Self.holds("cs-referer|exists: false") { $0.body.details = [:] })
        #expect(try Self.holds("cs-referer|neq: x") { $0.body.details = [:] })
    }

    @Test("reach into details, lists included")
    func details() throws {
        let change: (inout AuditEvent) -> Void = {
            $0.body.details = ["policy": "login", "a": ["b": [1, "Two", true]], "x.y": "dotted"]
        }
        for selection in [
            "policy: login", "details.policy: login", "details.a.b: two", "details.a.b: 1", "details.a.b: true", "a.b: 1",
            "details.x.y: dotted",
        ] {
            #expect(try Self.holds(selection, change), "\(selection)")
        }
        #expect(try !Self.holds("details.a.c: 1", change))
    }

    @Test("seek keywords everywhere in the event")
    func keywords() throws {
        let change: (inout AuditEvent) -> Void = {
            $0.body.path = "/x?q=UNION+SELECT"
            $0.body.client?.userAgent = "sqlmap/1.7"
            $0.body.details["referer"] = "https://example.com/"
        }
        #expect(try Self.holds("- 'union+select'", change))
        #expect(try Self.holds("- nothing\n        - SQLMAP/", change))
        #expect(try Self.holds("- 'union*select'", change))
        #expect(try Self.holds("- example.com", change))
        #expect(try !Self.holds("- nothing", change))
        #expect(try Self.holds("'|all': [union, sqlmap]", change))
        #expect(try !Self.holds("'|all': [union, nikto]", change))
    }

    @Test("join maps by and, lists of maps by or")
    func lists() throws {
        let change: (inout AuditEvent) -> Void = {
            $0.header.method = "GET"
            $0.header.status = 404
        }
        #expect(try Self.holds("method: get\n        sc-status: 404", change))
        #expect(try !Self.holds("method: post\n        sc-status: 404", change))
        #expect(try Self.holds("- method: post\n        - sc-status: 404", change))
        #expect(try !Self.holds("- method: post\n        - sc-status: 403", change))
    }

    @Test(
        "that are not evaluated are refused",
        arguments: [
            ("path|shout: x", RuleError.Code.unsupported, "shout"), ("path|i: x", .structure, "i"),
            ("path|contains|base64: x", .structure, "path|contains|base64"), ("path|fieldref|re: x", .structure, "path|fieldref|re"),
            ("path|expand: '%nobody%'", .value, "%nobody%"), ("path|base64: 'a*'", .value, "a*"), ("path|hour: 24", .value, "24"),
            ("path|exists|neq: true", .structure, "path|exists|neq"), ("path|cidr|cased: 192.0.2.0/24", .structure, "path|cidr|cased"),
            ("path|contains|startswith: x", .structure, "path|contains|startswith"), ("path|cidr: nonsense", .value, "nonsense"),
            ("path|cidr: 192.0.2.0/33", .value, "192.0.2.0/33"), ("path|gt: x", .value, "x"), ("path|exists: maybe", .value, "maybe"),
            ("path|re: '('", .regex, "("), ("path|re: '(?=x)'", .regex, "(?=x)"), ("path|contains: null", .value, "null"),
            ("path: []", .structure, "path"), ("path: {a: b}", .structure, "a map"), ("path|all: x", .structure, "path|all"),
        ])
    func refusals(selection: String, code: RuleError.Code, construct: String) throws {
        let error = try #require(throws: RuleErrors.self) { _ = try Self.rules(selection) }
        #expect(error.errors.map(\.code) == [code])
        #expect(error.errors[0].construct == construct && error.errors[0].line == 5 && error.errors[0].column >= 9)
    }
}
