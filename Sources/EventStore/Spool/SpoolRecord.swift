import AuditEvents

/// One event in the spool, as bytes: a frame of length, checksum and the event's canonical JSON.
///
/// Layout, little-endian: `u32 length`, `u32 checksum` (FNV-1a over the payload), payload. The payload is the RFC 8785 text of
/// `{"header", "body", "salt", "body_hash", …}`, so that what is replayed is byte for byte what would have been stored.
enum SpoolRecord {
    static let headerSize = 8
    /// No event is larger; a larger length is damage.
    static let maximumPayload = 1 << 20

    static func encode(_ event: EncodedEvent, into out: inout [UInt8]) {
        var object: JSONObject = [
            "header": .object(event.header.json), "body": .string(String(decoding: event.body, as: UTF8.self)),
            "salt": .string(hex(event.salt)), "body_hash": .string(hex(event.bodyHash)),
        ]
        object["actor"] = event.actor.map(JSONValue.string)
        object["client_ip"] = event.clientIP.map(JSONValue.string)
        object["session"] = event.session.map(JSONValue.string)
        object["token"] = event.token.map(JSONValue.string)
        let payload = CanonicalJSON.encode(.object(object))
        append(UInt32(payload.count), to: &out)
        append(checksum(payload), to: &out)
        out.append(contentsOf: payload)
    }

    /// The event whose frame starts at `offset`, and where the next one starts; nil where the bytes end early or are damaged.
    static func decode(_ bytes: [UInt8], at offset: Int) -> (EncodedEvent, Int)? {
        guard offset + headerSize <= bytes.count else { return nil }
        let length = Int(word(bytes, offset))
        let end = offset + headerSize + length
        guard length <= maximumPayload, end <= bytes.count else { return nil }
        let payload = bytes[offset + headerSize..<end]
        guard checksum(payload) == word(bytes, offset + 4), let object = try? JSONValue(parsing: payload).object,
            let headerJSON = object["header"]?.object, let header = try? EventHeader(json: headerJSON),
            let body = object["body"]?.string, let salt = object["salt"]?.string.flatMap(unhex),
            let bodyHash = object["body_hash"]?.string.flatMap(unhex)
        else { return nil }
        let event = EncodedEvent(
            header: header, body: Array(body.utf8), salt: salt, bodyHash: bodyHash, actor: object["actor"]?.string,
            clientIP: object["client_ip"]?.string, session: object["session"]?.string, token: object["token"]?.string)
        return (event, end)
    }

    /// Where the next whole frame starts after damage at `offset`: behind the damaged one if its length still holds, else wherever one fits.
    static func next(in bytes: [UInt8], after offset: Int) -> Int? {
        guard offset + headerSize <= bytes.count else { return nil }
        let stated = offset + headerSize + Int(word(bytes, offset))
        if stated < bytes.count, decode(bytes, at: stated) != nil { return stated }
        var candidate = offset + 1
        while candidate + headerSize < bytes.count {
            // A payload begins with a brace and a quote: only there is it worth computing a checksum.
            if bytes[candidate + headerSize] == UInt8(ascii: "{"), decode(bytes, at: candidate) != nil { return candidate }
            candidate += 1
        }
        return nil
    }

    /// FNV-1a, 32 bits: catches a torn write, which is all it is for.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    private static func append(_ word: UInt32, to out: inout [UInt8]) {
        for shift in [0, 8, 16, 24] as [UInt32] { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32($1 * 8) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
    }

    private static func unhex(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { $0 < 58 ? $0 &- 48 : $0 &- 87 }
        guard digits.count % 2 == 0, digits.allSatisfy({ $0 < 16 }) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
