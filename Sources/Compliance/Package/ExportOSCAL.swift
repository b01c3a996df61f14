import AuditEvents
import Crypto
import TransparencyLog

/// The package as OSCAL 1.1 assessment results: an observation that says what was examined, and where.
enum ExportOSCAL {
    static let version = "1.1.2"

    /// - Parameter sealedAt: when the newest leaf was sealed; the only time that a package knows.
    static func bytes(_ manifest: ExportManifest, sealedAt: Timestamp) -> [UInt8] {
        let seed = manifest.shards.map { "\($0.origin) \($0.size) \($0.root)" }.joined(separator: "\n") + "\n" + manifest.query
        func uuid(_ name: String) -> JSONValue { .string(UUIDv5.text("\(name)\n\(seed)")) }
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
        ["name": .string(name), "ns": "https://cardea.example/ns/oscal", "value": .string(value)]
    }

    static func metadata(_ title: String, _ time: Timestamp) -> JSONValue {
        [
            "title": .string(title), "last-modified": .string(time.description), "version": "1",
            "oscal-version": .string(ExportOSCAL.version),
        ]
    }
}

/// Name-based UUIDs (RFC 9562 §5.5): the same name, the same UUID.
enum UUIDv5 {
    /// Made for Cardea's documents.
    private static let namespace: [UInt8] = [
        0x8c, 0x1f, 0x5b, 0x0e, 0x7f, 0x3a, 0x4d, 0x52, 0x9b, 0x64, 0x2e, 0x11, 0xd7, 0x0a, 0x95, 0x3c,
    ]

    static func text(_ name: String) -> String {
        var bytes = Array(Insecure.SHA1.hash(data: namespace + Array(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0f | 0x50
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array(Hexadecimal.encode(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
}
