/// The data of an event's leaf in the Merkle tree: RFC 8785 of its header with `sealed_at` and `body_hash`.
///
/// The values are those of the stored row, word for word: a leaf commits to what stands there, also where this version knows no such word.
public struct EventLeaf: Sendable, Hashable {
    public var version: Int16
    /// In the form of RFC 9562 §4.
    public var id: String
    public var time: Timestamp
    public var sealedAt: Timestamp
    public var tenant: String
    public var source: String
    public var type: String
    public var outcome: String
    public var reason: String?
    public var severity: Int16
    public var actorKind: String
    public var privileged: Bool
    public var sensitivity: String?
    public var method: String?
    public var route: String?
    public var status: Int16?
    public var durationMicroseconds: Int64?
    public var bodyHash: [UInt8]

    public init(
        version: Int16, id: String, time: Timestamp, sealedAt: Timestamp, tenant: String, source: String, type: String, outcome: String,
        reason: String?, severity: Int16, actorKind: String, privileged: Bool, sensitivity: String?, method: String?, route: String?,
        status: Int16?, durationMicroseconds: Int64?, bodyHash: [UInt8]
    ) {
        self.version = version
        self.id = id
        self.time = time
        self.sealedAt = sealedAt
        self.tenant = tenant
        self.source = source
        self.type = type
        self.outcome = outcome
        self.reason = reason
        self.severity = severity
        self.actorKind = actorKind
        self.privileged = privileged
        self.sensitivity = sensitivity
        self.method = method
        self.route = route
        self.status = status
        self.durationMicroseconds = durationMicroseconds
        self.bodyHash = bodyHash
    }

    /// What an export says about an event beside its leaf.
    public struct Telling: Sendable {
        public var shard: Int32
        public var index: Int64
        /// Whether the query asked for it.
        public var isMatch = false
        /// The canonical body and its salt, where they are shown.
        public var body: [UInt8]?
        public var salt: [UInt8]?
        /// Why a match shows none: `erased`, `redacted`.
        public var withheld: String?
        /// Single members of a body that is withheld: told, not proved.
        public var disclosed: JSONObject?

        public init(shard: Int32, index: Int64) { (self.shard, self.index) = (shard, index) }
    }

    /// The leaf's data: canonical JSON, `body_hash` in lower-case hexadecimal digits.
    public var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(448)
        append(nil, to: &out)
        return out
    }

    /// Appends the canonical JSON of the leaf, with what an export tells beside it. Written out in order, not by way of a `JSONObject`: the sealer
    /// does this for every event.
    public func append(_ telling: Telling?, to out: inout [UInt8]) {
        out.append(contentsOf: #"{"actor_kind":"#.utf8)
        CanonicalJSON.append(actorKind, to: &out)
        if let body = telling?.body {
            out.append(contentsOf: #","body":"#.utf8)
            out.append(contentsOf: body)
        }
        hexadecimal(#","body_hash":""#, bodyHash, &out)
        if let disclosed = telling?.disclosed {
            out.append(contentsOf: #","disclosed":"#.utf8)
            CanonicalJSON.append(disclosed, to: &out)
        }
        number(#","duration_us":"#, durationMicroseconds, &out)
        out.append(contentsOf: #","id":""#.utf8)
        out.append(contentsOf: id.utf8)
        out.append(UInt8(ascii: "\""))
        number(#","index":"#, telling?.index, &out)
        if telling?.isMatch == true { out.append(contentsOf: #","match":true"#.utf8) }
        text(#","method":"#, method, &out)
        text(#","outcome":"#, outcome, &out)
        out.append(contentsOf: (privileged ? #","privileged":true"# : #","privileged":false"#).utf8)
        text(#","reason":"#, reason, &out)
        text(#","route":"#, route, &out)
        if let salt = telling?.salt { hexadecimal(#","salt":""#, salt, &out) }
        out.append(contentsOf: #","sealed_at":""#.utf8)
        out.append(contentsOf: sealedAt.description.utf8)
        out.append(UInt8(ascii: "\""))
        text(#","sensitivity":"#, sensitivity, &out)
        number(#","severity":"#, Int64(severity), &out)
        number(#","shard":"#, telling.map { Int64($0.shard) }, &out)
        text(#","source":"#, source, &out)
        number(#","status":"#, status.map(Int64.init), &out)
        text(#","tenant":"#, tenant, &out)
        out.append(contentsOf: #","time":""#.utf8)
        out.append(contentsOf: time.description.utf8)
        out.append(UInt8(ascii: "\""))
        text(#","type":"#, type, &out)
        number(#","v":"#, Int64(version), &out)
        text(#","withheld":"#, telling?.withheld, &out)
        out.append(UInt8(ascii: "}"))
    }

    private func hexadecimal(_ name: StaticString, _ bytes: [UInt8], _ out: inout [UInt8]) {
        name.withUTF8Buffer { out.append(contentsOf: $0) }
        Hexadecimal.append(bytes, to: &out)
        out.append(UInt8(ascii: "\""))
    }

    private func text(_ name: StaticString, _ value: String?, _ out: inout [UInt8]) {
        guard let value else { return }
        name.withUTF8Buffer { out.append(contentsOf: $0) }
        CanonicalJSON.append(value, to: &out)
    }

    private func number(_ name: StaticString, _ value: Int64?, _ out: inout [UInt8]) {
        guard let value else { return }
        name.withUTF8Buffer { out.append(contentsOf: $0) }
        CanonicalJSON.append(value, to: &out)
    }
}
