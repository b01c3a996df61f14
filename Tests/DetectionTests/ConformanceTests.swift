import AuditEvents
import ConformanceTesting
import Foundation
import Testing

@testable import Detection

extension ConformanceData {
    static func files(_ path: String) throws -> [(name: String, yaml: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/" + path).sorted().map {
            ($0, try bytes(path + "/" + $0))
        }
    }
}

@Suite("Sigma as others write it", .enabled(if: ConformanceData.isPresent, "the conformance data is not here"))
struct ConformanceTests {
    static func request(
        _ target: String, method: String = "GET", status: Int16 = 200, agent: String? = "curl/8", referer: String? = nil,
        ip: String = "192.0.2.1"
    ) -> SealedEvent {
        var event = EngineTests.event(0, ip: ip, type: .httpRequest)
        event.event.header.method = method
        event.event.header.status = status
        event.event.body.path = target
        event.event.body.client?.userAgent = agent
        if let referer { event.event.body.details["referer"] = .string(referer) }
        return event
    }

    static let webRules = "sigma/rules/rules/web/webserver_generic"

    @Test("SigmaHQ's thirteen web server rules load without a warning")
    func webRules() throws {
        let files = try ConformanceData.files(Self.webRules)
        let set = try RuleSet(files: files)
        #expect(set.rules.count == 13)
        #expect(files.allSatisfy { RuleLint.check($0.yaml, file: $0.name).allSatisfy { $0.severity == .advice } })
        #expect(set.correlations.allSatisfy { $0.metadata.author != nil })
    }

    @Test("SigmaHQ's web server rules match what they are about, and nothing else of it")
    func webRuleMatches() throws {
        let set = try RuleSet(files: try ConformanceData.files(Self.webRules))
        let cases: [(String, SealedEvent)] = [
            ("F5 BIG-IP iControl Rest API Command Execution - Webserver", Self.request("/mgmt/tm/util/bash", method: "POST")),
            ("Successful IIS Shortname Fuzzing Scan", Self.request("/docs~1/a.aspx", method: "OPTIONS")),
            ("Java Payload Strings", Self.request("/x/${@java")),
            ("JNDIExploit Pattern", Self.request("/Basic/Command/Base64/aWQ=")),
            ("Path Traversal Exploitation Attempts", Self.request("/x/../../../etc/passwd", status: 400)),
            ("Source Code Enumeration Detection by Keyword", Self.request("/.git/config", status: 404)),
            ("SQL Injection Strings In URI", Self.request("/?id=1%20UNION%20ALL%20SELECT%201")),
            ("Server Side Template Injection Strings", Self.request("/?name={{7*7}}")),
            ("Suspicious User-Agents Related To Recon Tools", Self.request("/", agent: "sqlmap/1.7#stable")),
            ("Suspicious Windows Strings In URI", Self.request("/?f=C:/Windows/win.ini")),
            ("Webshell ReGeorg Detection Via Web Logs", Self.request("/t.jsp?cmd=connect&target=x", method: "POST", agent: nil)),
            ("Windows Webshell Strings", Self.request("/s.aspx?c=whoami")),
            ("Cross Site Scripting Strings", Self.request("/?q=<script>alert(1)</script>")),
        ]
        #expect(Set(cases.map(\.0)) == Set(set.rules.map(\.title)), "\(set.rules.map(\.title).sorted())")
        for (title, event) in cases {
            var engine = DetectionEngine(rules: set)
            let found = engine.process([event]).compactMap { if case .open(let alert) = $0 { alert.ruleTitle } else { nil } }
            #expect(found == [title])
        }
        let harmless = [
            Self.request("/index.html"), Self.request("/?id=1%20UNION%20ALL%20SELECT%201", status: 404),
            Self.request("/?id=1%20UNION%20ALL%20SELECT%201", method: "POST"),
            Self.request("/t.jsp?cmd=connect&target=x", method: "POST", agent: nil, referer: "https://example.com/"),
        ]
        var engine = DetectionEngine(rules: set)
        #expect(engine.process(harmless).isEmpty)
    }

    @Test("the specification's examples load, of every kind of correlation")
    func schemaExamples() throws {
        let folder = "sigma/schema/tests/schema"
        for name in [
            "event_count", "event_count_ecs", "value_count", "temporal", "temporal_ordered", "value_avg", "value_percentile", "value_sum",
        ] {
            #expect(try SigmaDocument.parse(ConformanceData.bytes("\(folder)/correlation/\(name).yml"), file: name).count == 1)
        }
        for name in ["rule_1", "rule_ecs"] {
            #expect(try SigmaDocument.parse(ConformanceData.bytes("\(folder)/rules/\(name).yml"), file: name).count == 1)
        }
        for name in ["filter_1", "filter_ecs"] {
            #expect(try SigmaDocument.parse(ConformanceData.bytes("\(folder)/filter/\(name).yml"), file: name).count == 1)
        }
    }

    @Test("CrowdSec's probing, ssh and nginx cases alert on the addresses that they name, by the same counts")
    func crowdSec() throws {
        // The lines of the logs as the log formats will hand them over: seventy-five probes in a second, six sign-ins in three, sixteen at once.
        let rules = try RuleSet.builtIn()
        func alerts(_ events: [SealedEvent]) -> [String: Set<String>] {
            var engine = DetectionEngine(rules: rules)
            var found: [String: Set<String>] = [:]
            for change in engine.process(events) {
                if case .open(let alert) = change { found[alert.ruleTitle, default: []].insert(alert.group[0].value) }
            }
            return found
        }
        let log = String(decoding: try ConformanceData.bytes("crowdsec/apache-http-probing/apache-http-probing.log"), as: UTF8.self)
        let probes = log.split(separator: "\n").enumerated().compactMap { number, line -> SealedEvent? in
            let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
            guard let request = quoted.dropFirst().first, let status = quoted.last?.split(separator: " ").first.flatMap({ Int16($0) })
            else { return nil }
            let target = request.dropFirst(4).prefix { $0 != " " }
            var event = Self.request(String(target), status: status, ip: "172.17.0.1")
            event.index = Int64(number)
            event.event.header.id = EventID(time: event.event.time, entropy: UInt64(number))
            return event
        }
        #expect(probes.count > 70)
        #expect(alerts(probes) == ["Scanning for paths": ["172.17.0.1"], "Remote file inclusion": ["172.17.0.1"]])
        #expect(alerts(Array(probes.prefix(10))) == ["Remote file inclusion": ["172.17.0.1"]])
        let seconds = [21, 21, 22, 22, 23, 24]
        let ssh = seconds.enumerated().map { EngineTests.event($1, ip: "35.188.49.176", actor: "pascal\($0)", entropy: UInt64($0)) }
        #expect(alerts(ssh) == ["Brute force from one address": ["35.188.49.176"]])
        let nginx = (0..<16).map { EngineTests.event(0, ip: "127.0.0.1", actor: "foo", entropy: $0) }
        #expect(alerts(nginx) == ["Brute force from one address": ["127.0.0.1"], "Brute force against one account": ["foo"]])
    }
}
