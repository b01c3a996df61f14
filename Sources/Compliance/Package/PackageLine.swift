import AuditEvents
import TransparencyLog

/// A line of `events.jsonl`, read back.
struct PackageLine {
    enum Content {
        case event(EventLeaf, EventLeaf.Telling, body: JSONObject)
        /// A leaf whose event left the record.
        case pruned(MerkleHash)
    }

    var shard: Int32
    var index: Int64
    var content: Content

    var leafHash: MerkleHash {
        switch content {
        case .event(let leaf, _, _): .leaf(leaf.bytes)
        case .pruned(let hash): hash
        }
    }

    /// - Throws: `PackageFinding` with `.tampered` for a line that no export writes, byte for byte.
    init(_ bytes: ArraySlice<UInt8>, _ place: String) throws(PackageFinding) {
        func wrong(_ what: String) -> PackageFinding { PackageFinding(.tampered, place, what) }
        guard let object = try? JSONValue(parsing: bytes, maximumDepth: 1000, keepsLargeIntegers: false).object,
            let shard = object["shard"]?.int.flatMap(Int32.init(exactly:)), let index = object["index"]?.int, index >= 0
        else { throw wrong("it is no line of an export") }
        (self.shard, self.index) = (shard, index)
        if let text = object["leaf_hash"]?.string {
            let line: JSONObject = ["index": .int(index), "leaf_hash": .string(text), "shard": .int(Int64(shard)), "withheld": "pruned"]
            guard let hash = MerkleHash(base64: text), CanonicalJSON.encode(.object(line)).elementsEqual(bytes) else {
                throw wrong("it is no leaf past retention")
            }
            content = .pruned(hash)
            return
        }
        guard let leaf = EventLeaf(json: object) else { throw wrong("its header is not whole") }
        var telling = EventLeaf.Telling(shard: shard, index: index)
        telling.isMatch = object["match"] == .bool(true)
        telling.body = object["body"].map { CanonicalJSON.encode($0) }
        telling.salt = object["salt"]?.string.flatMap { Hexadecimal.decode(Array($0.utf8)) }
        telling.withheld = object["withheld"]?.string
        telling.disclosed = object["disclosed"]?.object
        var again: [UInt8] = []
        again.reserveCapacity(bytes.count)
        leaf.append(telling, to: &again)
        guard again.elementsEqual(bytes) else { throw wrong("it is not in the form that an export writes") }
        let isShown = telling.body != nil
        guard isShown == (telling.salt != nil), telling.isMatch == (isShown || telling.withheld != nil),
            !(isShown && telling.withheld != nil),
            telling.disclosed == nil || telling.withheld == "redacted"
        else { throw wrong("what it shows and what it withholds contradict each other") }
        if let body = telling.body, let salt = telling.salt, EventEncoder.bodyHash(salt: salt, body: body) != leaf.bodyHash {
            throw wrong("the body or its salt is not the one that was recorded")
        }
        content = .event(leaf, telling, body: object["body"]?.object ?? telling.disclosed ?? [:])
    }
}

extension EventLeaf {
    /// Reads the leaf's members of an object; nil where one is missing or of another kind.
    init?(json object: JSONObject) {
        func optional<T>(_ name: String, _ read: (JSONValue) -> T?) -> T?? {
            guard let value = object[name] else { return .some(nil) }
            return read(value).map { .some(.some($0)) } ?? nil
        }
        guard let version = object["v"]?.int.flatMap(Int16.init(exactly:)), let id = object["id"]?.string,
            let time = object["time"]?.string.flatMap(Timestamp.init), let sealedAt = object["sealed_at"]?.string.flatMap(Timestamp.init),
            let tenant = object["tenant"]?.string, let source = object["source"]?.string, let type = object["type"]?.string,
            let outcome = object["outcome"]?.string, let reason = optional("reason", \.string),
            let severity = object["severity"]?.int.flatMap(Int16.init(exactly:)), let actorKind = object["actor_kind"]?.string,
            case .bool(let privileged)? = object["privileged"], let sensitivity = optional("sensitivity", \.string),
            let method = optional("method", \.string), let route = optional("route", \.string),
            let status = optional("status", { $0.int.flatMap(Int16.init(exactly:)) }),
            let duration = optional("duration_us", { $0.int ?? $0.string.flatMap(Int64.init) }),
            let bodyHash = object["body_hash"]?.string.flatMap({ Hexadecimal.decode(Array($0.utf8)) }), bodyHash.count == 32
        else { return nil }
        self.init(
            version: version, id: id, time: time, sealedAt: sealedAt, tenant: tenant, source: source, type: type, outcome: outcome,
            reason: reason, severity: severity, actorKind: actorKind, privileged: privileged, sensitivity: sensitivity, method: method,
            route: route, status: status, durationMicroseconds: duration, bodyHash: bodyHash)
    }
}
