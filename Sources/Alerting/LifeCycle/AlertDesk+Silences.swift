public import AuditEvents
import EventStore
public import PostgreSQL

extension AlertDesk {
    /// Begins a silence.
    ///
    /// - Parameters:
    ///   - startsAt: nil: now.
    ///   - seconds: how long it lasts.
    /// - Throws: `AlertingError` with `.matcher` or `.text`.
    public func silence(
        _ matchers: [AlertMatcher], from startsAt: Timestamp? = nil, seconds: Int64, by author: String, comment: String
    ) async throws -> Silence {
        try AlertDesk.check(name: author, "the name of who does this")
        try AlertDesk.check(text: comment, "a comment")
        return try await transaction { connection in
            let now = try await OwnAct.clock(connection)
            let start = startsAt ?? now
            let id = String((0..<8).map { _ in AlertDesk.letters[Int.random(in: 0..<AlertDesk.letters.count)] })
            guard seconds > 0, seconds <= Silence.maximumSeconds, start.advanced(bySeconds: seconds) > now else {
                throw AlertingError(.matcher, "a silence lasts longer than nothing, a year at most, and does not end in the past")
            }
            var silence = try Silence(
                id: id, matchers: matchers, startsAt: start, endsAt: start.advanced(bySeconds: seconds), author: author, comment: comment,
                createdAt: now)
            let event = try AlertDesk.encoded(silence, .silenceCreated, by: author, at: now)
            silence.comment = event.detail("comment") ?? ""
            try await connection.execute(
                """
                select audit.create_silence(
                    \(id), \(silence.matchers.map(\.description)), \(PostgresTimestamp(silence.startsAt)), \(PostgresTimestamp(silence.endsAt)),
                    \(author), \(silence.comment), \(event.header.tenant), \(PostgresUUID(event.header.id)), \(PostgresTimestamp(now)),
                    \(PostgresJSONBytes(event.body)), \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash)))
                """)
            return silence
        }
    }

    /// Ends a silence before its time.
    ///
    /// - Throws: `AlertingError` with `.unknown` where there is none that has not ended.
    public func expire(_ id: String, by person: String) async throws {
        try AlertDesk.check(name: person, "the name of who does this")
        try await transaction { connection in
            let now = try await OwnAct.clock(connection)
            guard let silence = try await SilenceStore().all(connection, id: id).first, silence.state(at: now) != .expired else {
                throw AlertingError(
                    .unknown, "there is no silence '\(id)' that has not ended", hint: "`cardea alerts silences` lists them.")
            }
            let event = try AlertDesk.encoded(silence, .silenceExpired, by: person, at: now)
            let isDone = try await connection.query(
                """
                select audit.expire_silence(
                    \(id), \(person), \(event.header.tenant), \(PostgresUUID(event.header.id)), \(PostgresTimestamp(now)),
                    \(PostgresJSONBytes(event.body)), \(PostgresBytes(event.salt)), \(PostgresBytes(event.bodyHash))) as done
                """)[0].decode("done", as: Bool.self)
            guard isDone else { throw AlertingError(.conflict, "somebody else has just ended the silence '\(id)'") }
        }
    }

    private static let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")

    /// The event goes to the tenant that the silence names, to the default one where it names none.
    private static func encoded(_ silence: Silence, _ type: EventType, by person: String, at now: Timestamp) throws -> EncodedEvent {
        let tenant = silence.matchers.first { $0.label == "tenant" && $0.comparison == .equal && !$0.value.isEmpty }?.value ?? "default"
        let details: JSONObject = [
            "silence": .string(silence.id), "matchers": .array(silence.matchers.map { .string($0.description) }),
            "starts_at": .string(silence.startsAt.description), "ends_at": .string(silence.endsAt.description),
            "comment": .string(silence.comment),
        ]
        let event = AuditEvent(
            header: EventHeader(
                id: EventID(time: now), tenant: tenant, source: "cardea", type: type, outcome: .success, actorKind: .user, privileged: true),
            body: EventBody(actor: .init(name: person), target: "silence/\(silence.id)", service: "cardea", details: details))
        return try EventEncoder().encode(event, now: now)
    }
}

/// The silences as they are stored.
public struct SilenceStore: Sendable {
    public init() {}

    /// The silences, the ones that end last first; ended ones for 90 days. One that this version cannot read silences nothing and is left out.
    public func all(_ connection: PostgresConnection, id: String? = nil) async throws -> [Silence] {
        try await connection.query(
            """
            select id, matchers, starts_at, ends_at, author, comment, created_at, expired_by from audit.silence
            where \(id)::text is null or id = \(id) order by ends_at desc, id
            """
        ).compactMap { row in
            func time(_ column: String) throws -> Timestamp {
                Timestamp(microseconds: try row.decode(column, as: PostgresTimestamp.self).microseconds)
            }
            var matchers: [AlertMatcher] = []
            for text in try row.decode("matchers", as: [String].self) {
                guard let matcher = try? AlertMatcher(text) else { return nil }
                matchers.append(matcher)
            }
            return try? Silence(
                id: try row.decode("id", as: String.self), matchers: matchers,
                startsAt: try time("starts_at"), endsAt: try time("ends_at"), author: try row.decode("author", as: String.self),
                comment: try row.decode("comment", as: String.self), createdAt: try time("created_at"),
                expiredBy: try row.decode("expired_by", as: String?.self))
        }
    }

    /// What decides now whether anybody is told about an alert: the silences that have not ended, and the active alerts where one may mute others.
    public func suppression(_ connection: PostgresConnection, inhibitions: [Inhibition] = []) async throws -> AlertSuppression {
        let now = try await OwnAct.clock(connection)
        let silences = try await all(connection).filter { $0.state(at: now) != .expired }
        var active: [AlertFacts] = []
        if !inhibitions.isEmpty {
            var filter = AlertFilter()
            filter.states = AlertState.active
            active = try await AlertStore().list(connection, filter, limit: 10_000).map { AlertFacts($0) }
        }
        return AlertSuppression(silences: silences, inhibitions: inhibitions, active: active)
    }
}
