import Crypto

/// An event as it is stored: redacted, bounded, canonical, hashed. Made once, so that every retry stores the same bytes.
public struct EncodedEvent: Sendable, Hashable {
    public var header: EventHeader
    /// RFC 8785 text of the body.
    public var body: [UInt8]
    /// 16 random bytes, without which `bodyHash` says nothing once the body is erased.
    public var salt: [UInt8]
    /// SHA-256 over salt and body, 32 bytes.
    public var bodyHash: [UInt8]
    /// Copied out of the body for search, and erased with it.
    public var actor: String?
    public var clientIP: String?
    public var session: String?
    public var token: String?

    public init(
        header: EventHeader, body: [UInt8], salt: [UInt8], bodyHash: [UInt8], actor: String?, clientIP: String?, session: String?,
        token: String?
    ) {
        self.header = header
        self.body = body
        self.salt = salt
        self.bodyHash = bodyHash
        self.actor = actor
        self.clientIP = clientIP
        self.session = session
        self.token = token
    }
}

/// Turns events into what is stored. Pure but for the salt's randomness.
public struct EventEncoder: Sendable {
    /// A leaf is at most 65,535 bytes (tlog-tiles: a tile entry's length has 16 bits), and a body as large as one leaf at most.
    public static let maximumBodyBytes = 57_344
    /// How far ahead of the clock an event's time may be.
    public static let maximumAhead: Int64 = 600_000_000

    public init() {}

    /// The event as stored.
    ///
    /// - Parameter now: the clock, against which the event's time is judged.
    /// - Throws: `SinkRefusal.invalid` for a time more than 10 minutes ahead, an empty tenant, source or type; never for a large or secret body,
    ///   which is cut or redacted with a mark.
    public func encode(_ event: AuditEvent, now: Timestamp) throws(SinkRefusal) -> EncodedEvent {
        var header = event.header
        guard header.time.microseconds - now.microseconds <= EventEncoder.maximumAhead else {
            throw .invalid(reason: "its time \(header.time) is more than 10 minutes ahead")
        }
        header.tenant = EventEncoder.clean(header.tenant, limit: 128)
        header.source = EventEncoder.clean(header.source, limit: 256)
        header.type = EventType(EventEncoder.clean(header.type.rawValue, limit: 128))
        header.reason = header.reason.map { EventEncoder.clean($0, limit: 256) }
        header.method = header.method.map { EventEncoder.clean($0, limit: 32) }
        header.route = header.route.map { EventEncoder.clean($0, limit: 1024) }
        guard !header.tenant.isEmpty else { throw .invalid(reason: "its tenant is empty") }
        guard !header.source.isEmpty else { throw .invalid(reason: "its source is empty") }
        guard !header.type.rawValue.isEmpty else { throw .invalid(reason: "its type is empty") }

        let form = event.body.json
        var cleaning = BodyCleaning()
        var object = EventEncoder.fingerprintsOnly(form, &cleaning)
        // The details last: where they are too much, they leave out nothing but themselves.
        object.update { member in
            switch member.key {
            case "session", "token", "details": nil
            default: cleaning.clean(member.value, under: "", path: member.key)
            }
        }
        if let details = form["details"] { object["details"] = cleaning.clean(details, under: "", path: "details") }
        if !cleaning.found.isEmpty { object["redacted"] = .array(cleaning.found.sorted().prefix(64).map(JSONValue.string)) }

        var body: [UInt8]
        let bytes = cleaning.isCut ? BodyTruncation.estimate(.object(form)) : nil
        if let bytes { (object, body) = BodyTruncation.marked(object, bytes: bytes) } else { body = CanonicalJSON.encode(.object(object)) }
        if body.count > EventEncoder.maximumBodyBytes { (object, body) = BodyTruncation.fit(object, bytes: bytes ?? body.count) }

        let salt = EventEncoder.salt()
        return EncodedEvent(
            header: header, body: body, salt: salt, bodyHash: EventEncoder.bodyHash(salt: salt, body: body),
            actor: object["actor"]?.object.flatMap { $0["name"]?.string ?? $0["id"]?.string },
            clientIP: object["client"]?.object?["ip"]?.string,
            session: object["session"]?.string, token: object["token"]?.object?["fingerprint"]?.string)
    }

    private static func salt() -> [UInt8] {
        var generator = RandomPool()
        return withUnsafeBytes(of: (generator.next(), generator.next())) { Array($0) }
    }

    /// `SHA-256(salt ‖ JCS(body))`, 32 bytes.
    public static func bodyHash(salt: [UInt8], body: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: salt)
        hash.update(data: body)
        return Array(hash.finalize())
    }

    /// `session`, `token.fingerprint` and `token.jti` hold fingerprints or nothing: whatever else stands there is taken for the secret itself.
    private static func fingerprintsOnly(_ body: JSONObject, _ cleaning: inout BodyCleaning) -> JSONObject {
        var body = body
        if let session = body["session"]?.string, !Fingerprinter.isFingerprint(session), session != "[redacted:session]" {
            body["session"] = "[redacted:session]"
            cleaning.redacted("session")
        }
        if var token = body["token"]?.object {
            for field in ["fingerprint", "jti"] {
                if let text = token[field]?.string, !Fingerprinter.isFingerprint(text), text != "[redacted:token]" {
                    token[field] = "[redacted:token]"
                    cleaning.redacted("token.\(field)")
                }
            }
            for field in ["issuer", "key_id"] {
                if let text = token[field]?.string { token[field] = .string(cleaning.clean(text, path: "token.\(field)")) }
            }
            body["token"] = .object(token)
        }
        return body
    }

    /// A header's text: no secrets, no NUL, at most `limit` bytes, cut on a character with `…`.
    private static func clean(_ text: String, limit: Int) -> String {
        // Looked at a little beyond the limit, for a secret that was cut in two would not be known by its shape.
        let head = BodyTruncation.prefix(text, bytes: limit + 8192)
        let text = BodyCleaning.visible(Redaction.redact(head) ?? head)
        return text.utf8.count <= limit ? text : BodyTruncation.prefix(text, bytes: limit - 3) + "…"
    }
}
