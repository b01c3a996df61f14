public import AuditEvents
import TransparencyLog

extension LogVerifier.Position {
    /// As it is kept between two runs.
    public var json: JSONObject {
        var object: JSONObject = [
            "shard": .int(Int64(shard)), "index": .int(index), "started_at": .string(startedAt.description),
            "sealed_at": .int(sealedAt.microseconds), "findings": .int(Int64(findings)), "edge": .string(Hexadecimal.encode(edge.bytes)),
        ]
        object["first_finding"] = firstFinding.map(JSONValue.string)
        return object
    }

    /// Nil for what `json` did not give.
    public init?(json: JSONObject) {
        guard let shard = json["shard"]?.int.flatMap(Int32.init(exactly:)), let index = json["index"]?.int, index >= 0,
            let startedAt = json["started_at"]?.string.flatMap(Timestamp.init), let sealedAt = json["sealed_at"]?.int,
            let findings = json["findings"]?.int.flatMap(Int.init(exactly:)),
            let bytes = json["edge"]?.string.flatMap({ Hexadecimal.decode(Array($0.utf8)) }),
            let edge = TileEdge(size: UInt64(index), bytes: bytes)
        else { return nil }
        self.init(
            shard: shard, index: index, startedAt: startedAt, edge: edge, sealedAt: Timestamp(microseconds: sealedAt), findings: findings,
            firstFinding: json["first_finding"]?.string)
    }
}
