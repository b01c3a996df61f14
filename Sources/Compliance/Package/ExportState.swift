import AuditEvents
import EventStore
import Glibc

/// How far an export has come, kept beside its files: what lies behind is thrown away when it goes on.
struct ExportState {
    static let fileName = ".export-state.json"

    let identity: String
    var shard: Int32
    var index: Int64
    var totals = ExportTotals()
    var files: [String: (bytes: Int64, records: Int?)] = [:]

    init(identity: String, shard: Int32, index: Int64) { (self.identity, self.shard, self.index) = (identity, shard, index) }

    func kept(_ path: String) -> (bytes: Int64, records: Int?)? { files[path] }

    func save(_ folder: String) throws {
        let object: JSONObject = [
            "identity": .string(identity), "shard": .int(Int64(shard)), "index": .int(index), "totals": .object(totals.json),
            "files": .object(
                JSONObject(files.map { ($0.key, ["bytes": .int($0.value.bytes), "records": .int(Int64($0.value.records ?? 0))]) })),
        ]
        try Files.write(CanonicalJSON.encode(.object(object)), "\(folder)/\(ExportState.fileName)")
    }

    /// Nil where nothing was interrupted, or something else was.
    static func resumed(_ folder: String, _ identity: String) -> ExportState? {
        guard let bytes = try? Files.read("\(folder)/\(fileName)"), let object = try? JSONValue(parsing: bytes, maximumDepth: 8).object,
            object["identity"]?.string == identity, let shard = object["shard"]?.int.flatMap(Int32.init(exactly:)),
            let index = object["index"]?.int,
            let totals = object["totals"]?.object.flatMap(ExportTotals.init(json:)), let files = object["files"]?.object
        else { return nil }
        var state = ExportState(identity: identity, shard: shard, index: index)
        state.totals = totals
        for member in files {
            guard let bytes = member.value.object?["bytes"]?.int else { return nil }
            state.files[member.key] = (bytes, member.value.object?["records"]?.int.map(Int.init))
        }
        return state
    }

    static func remove(_ folder: String) { unlink("\(folder)/\(fileName)") }
}
