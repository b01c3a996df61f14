import AuditEvents
import Foundation
import Testing

@testable import Compliance

@Suite("Reports as files")
struct ReportRenderingTests {
    static func sample(_ framework: ReportFramework = .pciDSS, text: String = "ann") -> Report {
        let since = Timestamp("2026-03-27T23:00:00Z") ?? .epoch
        let period = ReportPeriod(since: since, until: since.advanced(bySeconds: 172_800), zone: "Europe/Berlin", tenants: [text])
        return Report(
            framework: framework, period: period,
            sections: ReportTopic.allCases.map { topic in
                var section = ReportSection(topic: topic, population: "Events.", query: "select \(text) from x", count: 42)
                let table = ReportTable(
                    title: "By \(text)", columns: ["who \(text)", "events", "when"],
                    rows: [[.text(text), .number(7), .time(since)], [.none, .number(-1), .none]])
                section.tables = [table, ReportTable(title: "Nothing", columns: ["a"], rows: [])]
                section.charts = [
                    ReportChart(title: "Bars \(text)", bars: (1...31).map { .init(label: "2026-03-\($0)\(text)", value: Int64($0 * $0)) }),
                    ReportChart(title: "None", bars: []),
                ]
                section.exceptions = [
                    .init(table: table, total: 99), .init(table: ReportTable(title: "Quiet", columns: ["a"], rows: []), total: 0),
                ]
                section.limits = ["It cannot say \(text)."]
                if topic == .integrity { section.criterion = ReportCriterion("No verification failed.", isMet: true) }
                return section
            })
    }

    @Test("nothing that an event says becomes markup, a script, a link or a formula")
    func hostile() {
        let hostile = [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", "</style><script>", "&lt;",
            "\u{202e}txt",
            "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3",
        ]
        for text in hostile {
            let html = String(decoding: ReportHTML.render(Self.sample(text: text)), as: UTF8.self)
            // Every tag is one of those that the page is made of.
            for tag in html.matches(of: /<\/?([a-zA-Z]+)/).map({ String($0.1) }) {
                #expect(
                    [
                        "html", "head", "meta", "title", "style", "body", "header", "h", "p", "dl", "div", "dt", "dd", "main", "nav",
                        "table",
                        "caption", "thead", "tbody", "tr", "th", "td", "a", "section", "ul", "li", "pre", "code",
                        "svg",
                        "rect", "line", "text", "figure", "figcaption", "strong", "span", "bdi",
                    ].contains(tag), "\(tag) by \(text)")
            }
            #expect(!html.contains("\u{202e}") && !html.contains("<img"))
            if "=+@-".contains(text.first ?? " ") { #expect(!html.contains("<bdi>\(text.prefix(1))")) }
        }
    }

    @Test("a page needs nothing from elsewhere and no script")
    func selfContained() {
        let html = String(decoding: ReportHTML.render(Self.sample()), as: UTF8.self)
        #expect(!html.contains("http://") && !html.contains("https://") && !html.contains("<script") && !html.contains("url("))
        #expect(html.contains("default-src 'none'") && html.contains("@media print") && html.contains("prefers-color-scheme: dark"))
        for topic in ReportTopic.allCases { #expect(html.contains("id=\"\(topic.id)\"")) }
    }

    @Test("the same report gives the same bytes", arguments: ReportFramework.allCases)
    func deterministic(framework: ReportFramework) throws {
        let (one, two) = (Self.sample(framework), Self.sample(framework))
        #expect(ReportHTML.render(one) == ReportHTML.render(two) && ReportOSCAL.render(one) == ReportOSCAL.render(two))
        #expect(CanonicalJSON.encode(.object(one.json)) == CanonicalJSON.encode(.object(two.json)))
        #expect(try JSONValue(parsing: ReportOSCAL.render(one)).object?["assessment-results"] != nil)
    }

    @Test("every id of a control is an OSCAL token")
    func tokens() {
        for framework in ReportFramework.allCases {
            for control in ReportTopic.allCases.flatMap({ $0.controls(framework) }) {
                let token = ReportOSCAL.token(control, framework)
                #expect(token.wholeMatch(of: /[a-z_][a-z0-9.\-_]*/) != nil, "\(token)")
            }
        }
        #expect(ReportOSCAL.token("AU-9(3)", .nist80053) == "au-9.3")
        #expect(ReportOSCAL.token("164.308(a)(5)(ii)(C)", .hipaa) == "hipaa-164.308.a.5.ii.c")
    }

    @Test("an id by name is that of RFC 9562")
    func uuid() {
        let dns: [UInt8] = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]
        #expect(NameBasedUUID.text("www.example.com", in: dns) == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
    }

    @Test("without a browser a PDF is refused with what to do")
    func noBrowser() async {
        #expect(ReportPDF.browser(path: "/nonexistent:") == nil)
        await #expect(throws: ReportError.self) { _ = try await ReportPDF.render(html: [], browser: nil) }
    }

    @Test("an attestation says who, what, which period and which file, and refuses to say nothing")
    func attestation() throws {
        let period = Self.sample().period
        #expect(throws: ReportError.self) { _ = try ReviewAttestation(person: "ann", period: period, statement: " \n") }
        let event = try ReviewAttestation(person: "ann", period: period, statement: "Looked.", reportDigest: "00ff").events(
            at: period.until)[0]
        #expect(event.header.type == .auditReviewAttested && event.body.actor?.name == "ann" && event.header.tenant == "ann")
        #expect(event.body.details["report_sha256"] == "00ff" && event.body.details["since"] == .string(period.since.description))
    }

    @Test(
        "the files that scripts/oscal.sh has judged",
        .enabled(if: ProcessInfo.processInfo.environment["CARDEA_OSCAL_FOLDER"] != nil))
    func files() async throws {
        let folder = try #require(ProcessInfo.processInfo.environment["CARDEA_OSCAL_FOLDER"])
        try await withReportBed { bed in
            for framework in ReportFramework.allCases {
                let report = try await bed.report(framework)
                try Data(ReportOSCAL.render(report)).write(to: URL(filePath: "\(folder)/\(framework.rawValue).json"))
                try Data(ReportOSCAL.render(Self.sample(framework, text: ReportBed.hostile))).write(
                    to: URL(filePath: "\(folder)/\(framework.rawValue)-hostile.json"))
                try Data(ReportHTML.render(report)).write(to: URL(filePath: "\(folder)/\(framework.rawValue).html"))
            }
        }
    }
}
