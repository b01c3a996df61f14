import ConformanceTesting
import Foundation
import Testing

@Suite(
    "The pack over others' logs",
    .enabled(if: ConformanceData.isPresent, "the conformance data are not beside the package; set CARDEA_CONFORMANCE_DATA"))
struct PackOverLogTests {
    /// By the names of the rules: whom they are about, and how many events each holds.
    static let crowdsec: [String: [String: [String: Int]]] = [
        "apache-http-probing": ["Scanning for paths": ["172.17.0.1": 75], "Remote file inclusion": ["172.17.0.1": 77]],
        "authentik-bf": [
            "Brute force from one address": ["1.1.1.1": 6, "2.2.2.2": 6, "3.3.3.3": 6, "4.4.4.4": 6],
            "Account enumeration": ["1.1.1.1": 6], "Brute force against one account": ["userX": 12],
        ],
        "keycloak-bf": ["Brute force from one address": ["192.168.1.2": 10], "Password spraying from one address": ["192.168.1.2": 10]],
        "nginx-http-generic-bf": [
            "Brute force from one address": ["127.0.0.1": 16], "Brute force against one account": ["foo": 16],
            "Brute force over HTTP": ["127.0.0.1": 6],
        ],
        "nginx-http-path-traversal": ["Path traversal": ["127.0.0.1": 9]],
        "ssh-bf": ["Brute force from one address": ["35.188.49.176": 6], "Account enumeration": ["35.188.49.176": 6]],
    ]

    @Test("each of CrowdSec's attacks is called by its name, and by no other", arguments: CrowdSecCase.names)
    func crowdsec(name: String) throws {
        let found = try ImportedLog.alerts(ConformanceData.bytes(CrowdSecCase(name).log))
        // A rule about more than failures may say more of the same addresses, but nothing of others.
        for (title, groups) in try #require(Self.crowdsec[name]) { #expect(found[title] == groups) }
        let known = try CrowdSecCase(name).addresses.union(["userX", "foo"])
        for (title, groups) in found { #expect(known.isSuperset(of: groups.keys), "\(title): \(groups)") }
    }

    @Test("ten thousand lines of a real site, which nobody attacked in earnest, raise no alert")
    func realSite() throws {
        let log = try ConformanceData.bytes("logs/access/apache_logs")
        #expect(try ImportedLog.events(log, source: "log").count == 10_000)
        #expect(try ImportedLog.alerts(log) == [:])
    }

    @Test("of its single lines only visitors', missing pages and bots that look for WordPress's administration are counted by any rule")
    func singleLines() throws {
        let found = try ImportedLog.alerts(ConformanceData.bytes("logs/access/apache_logs"), rules: ImportedLog.plainRules())
        let counted = found.mapValues { $0.values.reduce(0, +) }.filter { $0.key != "Request for a page" }
        #expect(
            counted == [
                "Request for something that is not there or not allowed": 101,
                "Request for an administration page that is not there or not allowed": 36,
            ])
    }
}
