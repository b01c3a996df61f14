public import AuditEvents

extension EventType {
    /// A person has said that they reviewed the record of a period.
    public static let auditReviewAttested = EventType("audit_review_attested")
}

/// A person's word that they reviewed the record of a period, as it goes on the record.
public struct ReviewAttestation: Sendable, Hashable {
    public var person: String
    public var period: ReportPeriod
    public var statement: String
    /// SHA-256 of the file that was reviewed, in hexadecimal.
    public var reportDigest: String?

    /// How much of a statement is taken, in bytes.
    public static let maximumStatement = 4000

    /// - Throws: `ReportError` for a statement that says nothing or is too long.
    public init(person: String, period: ReportPeriod, statement: String, reportDigest: String? = nil) throws {
        guard statement.utf8.contains(where: { $0 > 0x20 }) else {
            throw ReportError("the statement says nothing", hint: "Say what was reviewed and what was found.")
        }
        guard statement.utf8.count <= ReviewAttestation.maximumStatement else {
            throw ReportError("the statement may have at most \(ReviewAttestation.maximumStatement) bytes")
        }
        (self.person, self.period, self.statement, self.reportDigest) = (person, period, statement, reportDigest)
    }

    /// The events that say so at `time`: one for each tenant of the period, or one of the tenant `default`.
    public func events(at time: Timestamp) -> [AuditEvent] {
        (period.tenants.isEmpty ? ["default"] : period.tenants).map { tenant in
            var details: JSONObject = [
                "since": .string(period.since.description), "until": .string(period.until.description), "zone": .string(period.zone),
                "statement": .string(statement),
            ]
            details["report_sha256"] = reportDigest.map(JSONValue.string)
            return AuditEvent(
                header: EventHeader(
                    id: EventID(time: time), tenant: tenant, source: "cardea", type: .auditReviewAttested, outcome: .success,
                    actorKind: .user),
                body: EventBody(actor: .init(name: person), details: details))
        }
    }
}
