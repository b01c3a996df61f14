public import AuditEvents
import Crypto
import Foundation

/// A report as OSCAL assessment results 1.1 (NIST, pages.nist.gov/OSCAL): an observation for each section, a finding for each criterion that the
/// tool itself tested.
public enum ReportOSCAL {
    /// The document. Ids are made from the report's content and times are the period's, so the same report gives the same bytes.
    public static func json(_ report: Report) -> JSONObject {
        let bytes = CanonicalJSON.encode(.object(report.json))
        let digest = Array(SHA256.hash(data: bytes)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        func id(_ part: String) -> String { NameBasedUUID.text("\(digest)/\(part)") }
        let (framework, period) = (report.framework, report.period)
        let controls = Set(report.sections.flatMap { $0.topic.controls(framework) }.map { token($0, framework) }).sorted()
        let findings = report.sections.compactMap { finding($0, framework, id) }
        var result: JSONObject = [
            "uuid": .string(id("result")), "title": .string("\(framework.title): evidence from the record"),
            "description": .string(
                "Events from \(period.since) to \(period.until), days in \(period.zone), "
                    + (period.tenants.isEmpty ? "all tenants." : "\(period.tenants.count) of the tenants.")),
            "start": .string(period.since.description), "end": .string(period.until.description),
            "reviewed-controls": [
                "control-selections": [["include-controls": .array(controls.map { ["control-id": .string($0)] })]],
                "remarks": "Which sections speak to which controls; whether a control is satisfied is an assessor's judgement.",
            ],
            "observations": .array(report.sections.map { .object(observation($0, report, id)) }),
            "remarks": .string(Report.limits.joined(separator: " ")),
        ]
        if !findings.isEmpty { result["findings"] = .array(findings.map(JSONValue.object)) }
        return [
            "assessment-results": [
                "uuid": .string(id("document")),
                "metadata": [
                    "title": .string("\(framework.title): evidence from the record"), "last-modified": .string(period.until.description),
                    "version": "1", "oscal-version": "1.1.3",
                    "props": [["name": "report-sha256", "ns": .string(namespace), "value": .string(digest)]],
                ],
                "import-ap": ["href": .string("#" + id("plan")), "remarks": "There is no assessment plan; the resource says so."],
                "results": [.object(result)],
                "back-matter": [
                    "resources": [
                        [
                            "uuid": .string(id("plan")), "title": "No plan", "description": .string(noPlan),
                            "base64": [
                                "filename": "no-plan.txt", "media-type": "text/plain",
                                "value": .string(Data(noPlan.utf8).base64EncodedString()),
                            ],
                        ]
                    ]
                ],
            ]
        ]
    }

    /// The bytes of the file.
    public static func render(_ report: Report) -> [UInt8] { CanonicalJSON.encode(.object(json(report))) + [0x0a] }

    private static let noPlan = "These results were not made under an assessment plan: a tool counted what its record holds."
    private static let namespace = "urn:cardea:oscal"

    private static func observation(_ section: ReportSection, _ report: Report, _ id: (String) -> String) -> JSONObject {
        func property(_ name: String, _ value: String) -> JSONValue {
            ["name": .string(name), "ns": .string(namespace), "value": .string(value)]
        }
        var properties = [property("section", section.topic.id), property("count", String(section.count))]
        properties += section.topic.controls(report.framework).map { property("control", $0) }
        properties += [property("exceptions", String(section.exceptions.reduce(0) { $0 + $1.total }))]
        let evidence: [JSONValue] = section.exceptions.map {
            ["description": .string("\($0.table.title): \($0.total).")]
        }
        var observation: JSONObject = [
            "uuid": .string(id(section.topic.id)), "title": .string("\(section.topic.id) \(section.topic.title)"),
            "description": .string("\(section.population) Counted: \(section.count)."), "props": .array(properties),
            "methods": ["EXAMINE"], "collected": .string(report.period.until.description),
        ]
        if !evidence.isEmpty { observation["relevant-evidence"] = .array(evidence) }
        if !section.limits.isEmpty { observation["remarks"] = .string(section.limits.joined(separator: " ")) }
        return observation
    }

    private static func finding(_ section: ReportSection, _ framework: ReportFramework, _ id: (String) -> String) -> JSONObject? {
        guard let criterion = section.criterion, let control = section.topic.controls(framework).first else { return nil }
        return [
            "uuid": .string(id(section.topic.id + "/finding")), "title": .string("\(section.topic.id) \(section.topic.title)"),
            "description": .string(criterion.text + " Tested by the tool; it is no judgement of the control as a whole."),
            "target": [
                "type": "objective-id", "target-id": .string(token(control, framework)),
                "status": ["state": .string(criterion.isMet ? "satisfied" : "not-satisfied")],
            ],
            "related-observations": [["observation-uuid": .string(id(section.topic.id))]],
        ]
    }

    /// A control's id as an OSCAL token: `AU-9(3)` is `au-9.3`, and what begins with a digit gets its framework before it.
    static func token(_ control: String, _ framework: ReportFramework) -> String {
        var out = ""
        for character in control.lowercased().unicodeScalars {
            switch character {
            case "(": out += "."
            case ")", " ": break
            default: out.unicodeScalars.append(character)
            }
        }
        guard let first = out.utf8.first, (97...122).contains(first) else { return framework.rawValue + "-" + out }
        return out
    }
}
