import AuditEvents
import ConformanceTesting
import LogFormats
import Testing

/// Logs of others. Skipped where their folder is absent.
@Suite(.enabled(if: ConformanceData.isPresent, "the conformance data are not beside the package; set CARDEA_CONFORMANCE_DATA"))
struct ConformanceTests {
    @Test("the 10,000 lines of a real access log are 10,000 records, with the statuses that stand in the file")
    func accessLog() throws {
        let path = "logs/access/apache_logs"
        let records = try ConformanceData.lines(path).compactMap(\.record)
        #expect(records.count == 10_000)
        // Counted without the parser: the ninth field between spaces.
        var expected: [String: Int] = [:]
        for line in try ConformanceData.bytes(path).split(separator: 10) {
            let fields = line.split(separator: 0x20, omittingEmptySubsequences: false)
            expected[String(decoding: fields[8], as: UTF8.self), default: 0] += 1
        }
        let counts = Dictionary(grouping: records) { $0.status.map(String.init) ?? "" }.mapValues(\.count)
        #expect(counts == expected)
        #expect(records.allSatisfy { $0.type == .httpRequest && $0.ip != nil && $0.method != nil && $0.body.path != nil })
        #expect(records.filter { $0.body.details["truncated"] == true }.count == 1, "one line of the file lacks its last quote")
        #expect(records.map(\.time).min() == Timestamp("2015-05-17T10:05:00Z"))
    }

    @Test("CrowdSec's ssh log: six failures of the attacker within five minutes, in the year that its assertions give")
    func ssh() throws {
        let lines = try ConformanceData.lines("crowdsec/ssh-bf/ssh-bf.log")
        let records = lines.compactMap(\.record)
        #expect(records.count == 6 && lines.allSatisfy { $0.rejection == nil })
        #expect(records.allSatisfy { $0.type == .loginFailure && $0.ip == "35.188.49.176" && $0.reason == "unknown_account" })
        #expect(records.map(\.user) == ["pascal", "pascal1", "pascal2", "pascal3", "pascal4", "pascal5"])
        #expect(records.first?.time == Timestamp("2026-02-12T14:10:21Z") && records.last?.time == Timestamp("2026-02-12T14:10:24Z"))
    }

    @Test("CrowdSec's nginx log holds error and access lines, each read by its own format")
    func nginx() throws {
        let lines = try ConformanceData.lines("crowdsec/nginx-http-generic-bf/nginx-http-generic-bf.log")
        let records = lines.compactMap(\.record)
        #expect(lines.count == records.count && records.allSatisfy { $0.ip == "127.0.0.1" })
        let failures = records.filter { $0.type == .loginFailure }
        #expect(failures.count == 16 && failures.allSatisfy { $0.user == "foo" && $0.body.path == "/" && $0.method == "GET" })
        #expect(records.filter { $0.type == .httpRequest && $0.status == 401 && $0.user == "test" }.count == 6)
    }

    @Test(
        "CrowdSec's access logs import fully",
        arguments: [
            ("crowdsec/apache-http-probing/apache-http-probing.log", 77, "172.17.0.1"),
            ("crowdsec/nginx-http-path-traversal/nginx-http-path-traversal.log", 9, "127.0.0.1"),
        ])
    func access(path: String, count: Int, ip: String) throws {
        let records = try ConformanceData.lines(path).compactMap(\.record)
        #expect(records.count == count && records.allSatisfy { $0.ip == ip && $0.body.path?.hasPrefix("/") == true || $0.body.path != nil })
        #expect(Set(records.compactMap(\.body.path)).count >= 9)
    }

    @Test(
        "CrowdSec's logs of identity providers give their failed logins",
        arguments: [("crowdsec/authentik-bf/authentik-bf.log", LogFormat.authentik), ("crowdsec/keycloak-bf/keycloak-logs.log", .keycloak)])
    func identityProviders(path: String, format: LogFormat) throws {
        for lines in [try ConformanceData.lines(path), try ConformanceData.lines(path, format)] {
            let failures = lines.compactMap(\.record).filter { $0.type == .loginFailure }
            #expect(failures.count >= 6 && failures.allSatisfy { $0.ip != nil && $0.user != nil && $0.reason != nil })
            #expect(lines.allSatisfy { $0.rejection == nil })
        }
    }
}
