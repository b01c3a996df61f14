import AuditEvents
import AuditTesting

/// Generated events of every kind that a view or a rule looks at, of several tenants, a little out of order.
struct Traffic {
    private var random: SeededGenerator
    private var time: Timestamp
    private static let types: [EventType] = [
        .loginFailure, .loginFailure, .loginFailure, .loginSuccess, .tokenRejected, .tokenReuse, .rateLimitExceeded, .sessionCreated,
        .sessionEnded,
        .sessionExpired, .httpRequest, .httpRequest, .httpRequest, .httpRequest, .userCreated,
    ]

    /// - Parameter start: the first event's time; an hour ago by default.
    init(seed: Int, start: Timestamp = .now().advanced(bySeconds: -3600)) {
        random = SeededGenerator(seed: seed)
        time = start
    }

    mutating func next(_ count: Int) -> [AuditEvent] { (0..<count).map { _ in event() } }

    private mutating func event() -> AuditEvent {
        time.microseconds += Int64.random(in: 0...400_000, using: &random)
        let at = time.advanced(bySeconds: -Int64.random(in: 0...3, using: &random))
        let type = Traffic.types[Int.random(in: 0..<Traffic.types.count, using: &random)]
        let fails = [EventType.loginFailure, .tokenRejected, .tokenReuse, .rateLimitExceeded].contains(type)
        var header = EventHeader(
            id: EventID(time: at, entropy: random.next()), tenant: "tenant\(Int.random(in: 0..<6, using: &random))", source: "api",
            type: type,
            outcome: fails ? .failure : .success, reason: fails ? "reason\(Int.random(in: 0..<40, using: &random))" : nil)
        if type == .httpRequest {
            header.method = "GET"
            header.route = Bool.random(using: &random) ? "/books/{id}" : nil
            header.status = [200, 302, 404, 500].randomElement(using: &random)
            header.durationMicroseconds = Int64.random(in: 0...2_000_000, using: &random)
        }
        let token = "fp_" + String(repeating: "0", count: 31) + String(Int.random(in: 0..<4, using: &random))
        let body = EventBody(
            actor: .init(name: "user\(Int.random(in: 0..<5, using: &random))"),
            client: .init(
                ip: "192.0.2.\(Int.random(in: 0..<5, using: &random))", userAgent: "agent\(Int.random(in: 0..<40, using: &random))"),
            session: type == .sessionCreated || type == .sessionEnded || type == .httpRequest ? token : nil,
            token: type == .httpRequest || type == .tokenRejected || type == .tokenReuse ? .init(fingerprint: token) : nil,
            path: type == .httpRequest ? "/p\(Int.random(in: 0..<30, using: &random))" : nil, details: ["policy": "default"])
        return AuditEvent(header: header, body: body)
    }
}
