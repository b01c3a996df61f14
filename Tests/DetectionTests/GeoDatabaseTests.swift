import AuditEvents
import AuditTesting
import Testing

@testable import Detection

/// Writes files in MaxMind's format, by its specification, for addresses of one length.
private struct GeoFileWriter {
    indirect enum Value {
        case text(String)
        case double(Double)
        case number(UInt64)
        case map([(String, Value)])
    }

    var recordSize = 24
    var version = 6
    /// Networks by their bits, and what is said of them.
    var networks: [(bits: [Bool], value: Value)] = []

    static func bits(_ bytes: [UInt8], _ length: Int) -> [Bool] {
        (0..<length).map { bytes[$0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
    }

    private static func control(_ type: Int, _ size: Int) -> [UInt8] {
        let (first, extra): (Int, [UInt8]) =
            size < 29 ? (size, []) : size < 285 ? (29, [UInt8(size - 29)]) : (30, [UInt8((size - 285) >> 8), UInt8((size - 285) & 0xff)])
        return type < 8 ? [UInt8(type << 5 | first)] + extra : [UInt8(first), UInt8(type - 7)] + extra
    }

    static func encode(_ value: Value) -> [UInt8] {
        switch value {
        case .text(let text): control(2, text.utf8.count) + Array(text.utf8)
        case .double(let number): control(3, 8) + withUnsafeBytes(of: number.bitPattern.bigEndian) { Array($0) }
        case .number(let number): control(9, 8) + withUnsafeBytes(of: number.bigEndian) { Array($0) }
        case .map(let members): control(7, members.count) + members.flatMap { encode(.text($0.0)) + encode($0.1) }
        }
    }

    func file() -> [UInt8] {
        // A record: nil for nothing, else a node or a place in the data.
        enum Record {
            case none
            case node(Int)
            case data(Int)
        }
        var nodes: [[Record]] = [[.none, .none]]
        var data: [UInt8] = []
        for network in networks {
            // Each value by way of a pointer, as real files share them.
            let place = data.count
            data += Self.encode(network.value)
            let pointer = data.count
            data += [UInt8(1 << 5 | 1 << 3), UInt8((place - 2048) >> 8 & 0xff), UInt8((place - 2048) & 0xff)]
            var node = 0
            for (depth, bit) in network.bits.enumerated() {
                let side = bit ? 1 : 0
                if depth == network.bits.count - 1 {
                    nodes[node][side] = .data(place < 2048 ? place : pointer)
                } else if case .node(let next) = nodes[node][side] {
                    node = next
                } else {
                    nodes.append([.none, .none])
                    nodes[node][side] = .node(nodes.count - 1)
                    node = nodes.count - 1
                }
            }
        }
        var bytes: [UInt8] = []
        for node in nodes {
            let numbers = node.map { record in
                switch record {
                case .none: nodes.count
                case .node(let next): next
                case .data(let place): nodes.count + 16 + place
                }
            }
            func low(_ number: Int, _ count: Int) -> [UInt8] { (0..<count).reversed().map { UInt8(number >> (8 * $0) & 0xff) } }
            switch recordSize {
            case 24: bytes += low(numbers[0], 3) + low(numbers[1], 3)
            case 28: bytes += low(numbers[0], 3) + [UInt8((numbers[0] >> 24) << 4 | numbers[1] >> 24)] + low(numbers[1], 3)
            default: bytes += low(numbers[0], 4) + low(numbers[1], 4)
            }
        }
        bytes += [UInt8](repeating: 0, count: 16) + data + [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)
        return bytes
            + Self.encode(
                .map([
                    ("binary_format_major_version", .number(2)), ("node_count", .number(UInt64(nodes.count))),
                    ("record_size", .number(UInt64(recordSize))), ("ip_version", .number(UInt64(version))),
                ]))
    }
}

@Suite("Files that say where addresses are")
struct GeoDatabaseTests {
    private static func file(_ recordSize: Int) -> [UInt8] {
        var writer = GeoFileWriter(recordSize: recordSize)
        func place(_ country: String, _ latitude: Double, _ longitude: Double) -> GeoFileWriter.Value {
            .map([
                ("continent", .map([("code", .text("EU")), ("names", .map([("en", .text("Europe"))]))])),
                ("country", .map([("geoname_id", .number(1)), ("iso_code", .text(country))])),
                ("location", .map([("latitude", .double(latitude)), ("longitude", .double(longitude))])),
            ])
        }
        let four = [Bool](repeating: false, count: 96)
        writer.networks = [
            (four + GeoFileWriter.bits([192, 0, 2, 0], 24), place("DE", 52.5, 13.4)),
            (four + GeoFileWriter.bits([198, 51, 100, 128], 25), place("BR", -23.5, -46.6)),
            (GeoFileWriter.bits([0x20, 0x01, 0x0d, 0xb8], 32), place("FR", 48.9, 2.35)),
        ]
        // Enough of them that a place is reached by a pointer.
        for n in 0..<30 {
            writer.networks.append(
                (four + GeoFileWriter.bits([203, 0, 113, UInt8(n)], 32), .map([("country", .text("X\(n)")), ("asn", .text("AS\(n)"))])))
        }
        return writer.file()
    }

    @Test("are read, whatever the size of their records", arguments: [24, 28, 32])
    func read(recordSize: Int) throws {
        let database = try GeoDatabase(Self.file(recordSize))
        func answer(_ address: String) -> GeoAnswer? { database.answer(for: Array(address.utf8)) }
        #expect(answer("192.0.2.77") == GeoAnswer(country: "DE", latitude: 52.5, longitude: 13.4))
        #expect(answer("::ffff:192.0.2.77")?.country == "DE" || answer("::ffff:192.0.2.77") == nil)
        #expect(answer("198.51.100.200")?.country == "BR" && answer("198.51.100.100") == nil)
        #expect(answer("2001:db8:1::1") == GeoAnswer(country: "FR", latitude: 48.9, longitude: 2.35))
        #expect(answer("203.0.113.29") == GeoAnswer(country: "X29"), "a country as a text, as IPinfo writes it")
        for nothing in ["10.0.0.1", "2001:db9::1", "", "nonsense", "192.0.2"] { #expect(answer(nothing) == nil, "\(nothing)") }
    }

    @Test("that are damaged are refused or say nothing, and never lead outside")
    func damaged() throws {
        let file = Self.file(28)
        #expect(throws: GeoDatabaseError.self) { try GeoDatabase([]) }
        #expect(throws: GeoDatabaseError.self) { try GeoDatabase(Array("a text".utf8)) }
        #expect(throws: GeoDatabaseError.self) { try GeoDatabase(Array(file.suffix(100))) }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<3000 {
            var bytes = file
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let database = try? GeoDatabase(bytes) else { continue }
            for address in ["192.0.2.77", "198.51.100.200", "2001:db8::1", "203.0.113.5"] { _ = database.answer(for: Array(address.utf8)) }
        }
    }
}

@Suite("Settings of rules")
struct RuleSettingsTests {
    @Test("set thresholds, hours, placeholders, and what is off")
    func settings() throws {
        let yaml = """
            rules:
                brute_force_account: {threshold: 20, timespan: 15m, level: critical}
                administration_out_of_hours: {zone: Europe/Berlin, hours: mon-fri 07:00-19:00}
                scanning: {enabled: false}
            placeholders:
                administrators: [ada, grace]
            geo: /var/lib/places.mmdb
            """
        let settings = try RuleSettings(Array(yaml.utf8), file: "settings.yml")
        #expect(settings.placeholders == ["administrators": ["ada", "grace"]] && settings.geo == "/var/lib/places.mmdb")
        let set = try RuleSet(files: [], beneath: RuleSet.builtInFiles, tuning: settings.tuning)
        let rule = try #require(set.correlations.first { $0.metadata.name == "brute_force_account" })
        #expect(rule.threshold == 20 && rule.timespan == .seconds(900) && rule.metadata.level == .critical)
        let scanning = try #require(set.correlations.first { $0.metadata.name == "scanning" })
        #expect(!set.tuning.isEnabled(scanning.metadata) && set.tuning.isEnabled(rule.metadata))
        var engine = DetectionEngine(rules: set)
        let failures = (0..<19).map { EngineTests.event($0, ip: "192.0.2.\($0)") }
        #expect(
            !engine.process(failures).contains { if case .open(let alert) = $0 { alert.ruleID == rule.id } else { false } },
            "nineteen are below the threshold now")
        let fired = engine.process([EngineTests.event(19, ip: "192.0.2.19")]).compactMap {
            if case .open(let alert) = $0 { alert } else { nil }
        }
        #expect(fired.first { $0.ruleID == rule.id }?.severity == .critical)
    }

    @Test(
        "that mean nothing are refused with their place",
        arguments: [
            ("rules: {scanning: {treshold: 3}}", 1), ("rules:\n    scanning:\n        threshold: many", 3), ("ruls: {}", 1),
            ("rules:\n    administration_out_of_hours: {zone: Mars/Base}", 2), ("rules: {scanning: {timespan: soon}}", 1),
            ("rules: {scanning: {hours: always}}", 1), ("rules: {scanning: {enabled: perhaps}}", 1), ("- a", 1),
        ])
    func faults(yaml: String, line: Int) throws {
        let error = try #require(throws: RuleErrors.self) { try RuleSettings(Array(yaml.utf8), file: "settings.yml") }
        #expect(error.errors.first?.line == line && error.errors.first?.file == "settings.yml", "\(error)")
    }

    @Test("of a rule that there is not are refused, and so is a threshold where there is none")
    func unknownRules() throws {
        for (rule, key) in [("no_such_rule", "threshold"), ("session_two_accounts", "zone")] {
            var tuning = RuleTuning()
            _ = tuning.overrides[rule, default: .init()].set(key, to: key == "zone" ? "UTC" : "3")
            #expect(throws: RuleErrors.self) { try RuleSet(files: RuleSet.builtInFiles, tuning: tuning) }
        }
    }

    @Test("a rule with the id of another takes its place, and leaves its file's others")
    func beneath() throws {
        let own = """
            title: My scanning
            id: mine
            name: lost
            logsource: {category: webserver}
            detection: {selection: {status: 404}, condition: selection}
            ---
            title: First sign-in with a device
            id: b2d6fa04-5c8e-4197-8d3f-408c2e6baf15
            correlation: {type: event_count, rules: [lost], group-by: [client_ip], timespan: 1m, condition: {gte: 2}}
            """
        let set = try RuleSet(files: [("mine.yml", Array(own.utf8))], beneath: RuleSet.builtInFiles)
        let replaced = set.correlations.filter { $0.id == "b2d6fa04-5c8e-4197-8d3f-408c2e6baf15" }
        #expect(replaced.map(\.metadata.file) == ["mine.yml"])
        #expect(set.correlations.contains { $0.metadata.name == "first_seen_network" })
    }
}
