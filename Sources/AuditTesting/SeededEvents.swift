package import AuditEvents

extension SeededGenerator {
    /// A text in which everything occurs that makes texts difficult.
    package mutating func text() -> String {
        let pool = [
            "a", "Z", "0", "\"", "\\", "\n", "\r\n", "\u{1f}", "\u{7f}", "ä", "a\u{308}", "€", "\u{fb33}", "😀", "/", " ", "\u{2028}",
            "\u{ffff}",
        ]
        return (0..<Int.random(in: 0..<8, using: &self)).map { _ in pool.randomElement(using: &self) ?? "" }.joined()
    }

    package mutating func maybe<T>(_ value: T) -> T? { Bool.random(using: &self) ? value : nil }

    /// A value as the record holds it: finite, integers within ±2^53, fractions that are none.
    package mutating func json(depth: Int = 3) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: .null
        case 1: .bool(.random(using: &self))
        case 2: .int(.random(in: -(1 << 53)...(1 << 53), using: &self))
        case 3: .double(Double.random(in: -1000...1000, using: &self) + 0.123456)
        case 4, 5: .string(text())
        case 6: .array((0..<Int.random(in: 0..<4, using: &self)).map { _ in json(depth: depth - 1) })
        default: .object(object(depth: depth - 1))
        }
    }

    package mutating func object(depth: Int = 3) -> JSONObject {
        JSONObject((0..<Int.random(in: 0..<5, using: &self)).map { _ in (text(), json(depth: depth)) })
    }

    package mutating func time() -> Timestamp { Timestamp(microseconds: .random(in: 0...Timestamp.maximum.microseconds, using: &self)) }

    package mutating func event() -> AuditEvent {
        var body = EventBody()
        body.actor = maybe(.init(id: text(), name: maybe(text())))
        body.client = maybe(.init(ip: text(), userAgent: maybe(text())))
        body.client?.port = maybe(.random(in: 0 ... .max, using: &self))
        body.session = maybe(text())
        body.token = maybe(.init(fingerprint: text(), issuer: maybe(text()), keyID: maybe(text()), jti: maybe(text())))
        body.target = maybe(text())
        body.requestID = maybe(text())
        body.traceID = maybe(text())
        body.spanID = maybe(text())
        body.path = maybe(text())
        body.service = maybe(text())
        body.details = object()
        let header = EventHeader(
            id: EventID(time: time(), entropy: next()), tenant: "t" + text(), source: "s" + text(), type: EventType("x" + text()),
            outcome: Outcome.allCases.randomElement(using: &self) ?? .unknown, reason: maybe(text()),
            severity: Severity.allCases.randomElement(using: &self) ?? .unknown,
            actorKind: ActorKind.allCases.randomElement(using: &self) ?? .user, privileged: .random(using: &self),
            sensitivity: Sensitivity.allCases.randomElement(using: &self), method: maybe(text()), route: maybe(text()),
            status: maybe(.random(in: .min ... .max, using: &self)), durationMicroseconds: maybe(.random(in: 0...(1 << 53), using: &self)))
        return AuditEvent(header: header, body: body)
    }
}
