import AuditEvents
import Crypto
import TransparencyLog

/// What a package is: the query, what it stands on, and every other file of it by its hash. Canonical JSON (RFC 8785).
struct ExportManifest: Sendable, Hashable {
    static let format = "cardea-export/v1"
    static let fileName = "manifest.json"
    static let noteName = "manifest.note"

    struct File: Sendable, Hashable {
        var path: String
        var bytes: Int64
        /// Hexadecimal.
        var sha256: String
        /// Lines with data, where that is what the file has.
        var records: Int?
    }

    struct Shard: Sendable, Hashable {
        var shard: Int32
        var origin: String
        /// The first index that is shown; the last is the one before `size`.
        var first: UInt64
        /// The checkpoint's.
        var size: UInt64
        var root: MerkleHash
        /// The size of the checkpoint before the first index, to which consistency is shown.
        var start: UInt64?
        /// Sizes of further checkpoints to which consistency is shown.
        var held: [UInt64]
    }

    /// The canonical text of the query.
    var query: String
    var since: Timestamp?
    var until: Timestamp?
    var timeZone: String
    /// Which bodies are shown: `all`, `none`, or the names of the members that are told.
    var disclosure: String
    var shards: [Shard]
    var files: [File]
    var totals: ExportTotals

    var json: JSONObject {
        [
            "format": .string(ExportManifest.format), "query": .string(query), "since": since.map { .string($0.description) } ?? .null,
            "until": until.map { .string($0.description) } ?? .null, "time_zone": .string(timeZone), "disclosure": .string(disclosure),
            "shards": .array(
                shards.map { shard in
                    var object: JSONObject = [
                        "shard": .int(Int64(shard.shard)), "origin": .string(shard.origin), "first": .int(Int64(shard.first)),
                        "size": .int(Int64(shard.size)), "root": .string(shard.root.description),
                        "held": .array(shard.held.map { .int(Int64($0)) }),
                    ]
                    object["start"] = shard.start.map { .int(Int64($0)) }
                    return .object(object)
                }),
            "files": .array(
                files.map { file in
                    var object: JSONObject = ["path": .string(file.path), "bytes": .int(file.bytes), "sha256": .string(file.sha256)]
                    object["records"] = file.records.map { .int(Int64($0)) }
                    return .object(object)
                }),
            "totals": .object(totals.json),
            "versions": ["event_header": .int(Int64(EventHeader.version)), "ocsf": "1.8.0"],
        ]
    }

    var bytes: [UInt8] { CanonicalJSON.encode(.object(json)) }

    /// What is signed about a manifest.
    static func noteText(_ manifest: [UInt8], origin: String) -> String {
        "\(origin)/export/v1\n\(MerkleHash(Array(SHA256.hash(data: manifest)))?.description ?? "")\n"
    }

    /// Reads a manifest that is in its one form.
    ///
    /// - Throws: `PackageFinding` with `.tampered`.
    init(_ bytes: [UInt8]) throws(PackageFinding) {
        func wrong(_ what: String) -> PackageFinding { PackageFinding(.tampered, ExportManifest.fileName, what) }
        guard let value = try? JSONValue(parsing: bytes, maximumDepth: 16), let object = value.object, CanonicalJSON.encode(value) == bytes
        else {
            throw wrong("it is not canonical JSON")
        }
        guard object["format"]?.string == ExportManifest.format else { throw wrong("it is no \(ExportManifest.format)") }
        func time(_ name: String) throws(PackageFinding) -> Timestamp? {
            guard let text = object[name]?.string else { return nil }
            guard let time = Timestamp(text) else { throw wrong("\(name) is no time") }
            return time
        }
        guard let query = object["query"]?.string, let timeZone = object["time_zone"]?.string,
            let disclosure = object["disclosure"]?.string,
            let shards = object["shards"]?.array, let files = object["files"]?.array,
            let totals = object["totals"]?.object.flatMap(ExportTotals.init(json:))
        else { throw wrong("a member is missing") }
        (self.query, self.timeZone, self.disclosure, self.totals) = (query, timeZone, disclosure, totals)
        (since, until) = (try time("since"), try time("until"))
        self.shards = []
        for one in shards {
            guard let object = one.object, let shard = object["shard"]?.int.flatMap(Int32.init(exactly:)),
                let origin = object["origin"]?.string,
                let first = object["first"]?.int.flatMap(UInt64.init(exactly:)),
                let size = object["size"]?.int.flatMap(UInt64.init(exactly:)),
                let root = object["root"]?.string.flatMap({ MerkleHash(base64: $0) }), let held = object["held"]?.array, first <= size
            else { throw wrong("a shard is not described as it must be") }
            self.shards.append(
                Shard(
                    shard: shard, origin: origin, first: first, size: size, root: root,
                    start: object["start"]?.int.flatMap(UInt64.init(exactly:)),
                    held: held.compactMap { $0.int.flatMap(UInt64.init(exactly:)) }))
        }
        guard !self.shards.isEmpty, zip(self.shards, self.shards.dropFirst()).allSatisfy({ $0.shard < $1.shard }) else {
            throw wrong("its shards are not in order, or there are none")
        }
        self.files = []
        for one in files {
            guard let object = one.object, let path = object["path"]?.string, let bytes = object["bytes"]?.int,
                let sha256 = object["sha256"]?.string
            else { throw wrong("a file is not described as it must be") }
            self.files.append(File(path: path, bytes: bytes, sha256: sha256, records: object["records"]?.int.map(Int.init)))
        }
    }

    init(
        query: String, since: Timestamp?, until: Timestamp?, timeZone: String, disclosure: String, shards: [Shard], files: [File],
        totals: ExportTotals
    ) {
        self.query = query
        self.since = since
        self.until = until
        self.timeZone = timeZone
        self.disclosure = disclosure
        self.shards = shards
        self.files = files
        self.totals = totals
    }
}

/// What is wrong with a package: the first thing.
public struct PackageFinding: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Verdict: String, Sendable, Hashable {
        /// Something is not what was signed.
        case tampered
        /// Something that is needed is not there, or cannot be judged.
        case incomplete
    }

    public var verdict: Verdict
    /// The file, with the line where it has lines.
    public var place: String
    public var message: String

    public init(_ verdict: Verdict, _ place: String, _ message: String) {
        (self.verdict, self.place, self.message) = (verdict, place, message)
    }

    public var description: String { "\(place): \(message)" }
}
