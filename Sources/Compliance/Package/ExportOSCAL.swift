import AuditEvents
import TransparencyLog

/// The package as OSCAL 1.1 assessment results: an observation that says what was examined, and where.
enum ExportOSCAL {
    static let version = "1.1.2"

    static func bytes(_ manifest: ExportManifest) -> [UInt8] {
        let sealedAt = manifest.totals.sealedAt
        let seed = manifest.shards.map { "\($0.origin) \($0.size) \($0.root)" }.joined(separator: "\n") + "\n" + manifest.query
        func uuid(_ name: String) -> JSONValue { .string(NameBasedUUID.text("\(name)\n\(seed)")) }
        let plan = uuid("no-plan")
        let totals = manifest.totals
        var properties: [JSONValue] = [
            OSCAL.property("matches", "\(totals.matches)"), OSCAL.property("leaves", "\(totals.events)"),
            OSCAL.property("without-body", "\(totals.withheld)"), OSCAL.property("past-retention", "\(totals.pruned)"),
        ]
        for shard in manifest.shards { properties.append(OSCAL.property("root-\(shard.shard)", shard.root.description)) }
        let start = manifest.since ?? totals.first.flatMap(Timestamp.init) ?? sealedAt
        let results: JSONObject = [
            "uuid": uuid("results"), "metadata": OSCAL.metadata("Export of the security record", sealedAt),
            "import-ap": ["href": .string("#\(plan.string ?? "")")],
            "results": [
                [
                    "uuid": uuid("result"), "title": "Events of the record",
                    "description": .string(
                        "The query '\(manifest.query)' over the record of \(manifest.shards.map(\.origin).joined(separator: ", "))."),
                    "start": .string(start.description), "end": .string((manifest.until ?? sealedAt).description),
                    "reviewed-controls": ["control-selections": [["include-all": [:]]]],
                    "observations": [
                        [
                            "uuid": uuid("observation"), "title": "Matching events",
                            "description": .string(
                                "\(totals.matches) events match; all \(totals.events) leaves from the period's beginning to the checkpoint are shown."
                            ),
                            "props": .array(properties), "methods": ["EXAMINE"], "types": ["control-objective"],
                            "collected": .string(sealedAt.description),
                            "relevant-evidence": [
                                ["href": "../events.jsonl", "description": "The leaves, and the bodies of the matches."]
                            ],
                        ]
                    ],
                ]
            ],
            "back-matter": [
                "resources": [
                    ["uuid": plan, "title": "No plan", "description": "This export was made without an assessment plan."]
                ]
            ],
        ]
        return CanonicalJSON.encode(["assessment-results": .object(results)])
    }
}

/// What all OSCAL documents share.
enum OSCAL {
    static func property(_ name: String, _ value: String) -> JSONValue {
        ["name": .string(name), "ns": "urn:cardea:oscal", "value": .string(value)]
    }

    static func metadata(_ title: String, _ time: Timestamp) -> JSONValue {
        [
            "title": .string(title), "last-modified": .string(time.description), "version": "1",
            "oscal-version": .string(ExportOSCAL.version),
        ]
    }
}
