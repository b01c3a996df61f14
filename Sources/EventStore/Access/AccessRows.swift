public import AuditEvents
public import PostgreSQL

/// What the stores of `audit_access` read and write alike.
enum AccessRows {
    static func time(_ time: Timestamp) -> PostgresTimestamp { PostgresTimestamp(microseconds: time.microseconds) }

    static func json(_ principal: StoredPrincipal) -> String {
        String(decoding: CanonicalJSON.encode(.object(principal.json)), as: UTF8.self)
    }

    static func principal(_ text: String) throws -> StoredPrincipal {
        guard let json = (try? JSONValue(parsing: text.utf8, maximumDepth: 8))?.object, let principal = StoredPrincipal(json: json) else {
            throw StoreError(.record, "a stored principal cannot be read")
        }
        return principal
    }

    static func hash(_ bytes: [UInt8]) throws -> SecretHash {
        guard let hash = SecretHash(bytes: bytes) else { throw StoreError(.record, "a stored hash cannot be read") }
        return hash
    }

    /// The condition that picks some of an account's rows by `column`.
    static func condition(_ selection: SessionSelection, column: String) -> SQL {
        switch selection {
        case .all: "true"
        case .one(let one): "\(unsafe: column) = \(one)"
        case .allBut(let other): "\(unsafe: column) <> \(other)"
        }
    }
}

extension PostgresRow {
    func time(_ column: String) throws -> Timestamp {
        Timestamp(microseconds: try decode(column, as: PostgresTimestamp.self).microseconds)
    }

    func optionalTime(_ column: String) throws -> Timestamp? {
        try decode(column, as: PostgresTimestamp?.self).map { Timestamp(microseconds: $0.microseconds) }
    }

    func hash(_ column: String) throws -> SecretHash { try AccessRows.hash(try decode(column, as: PostgresBytes.self).bytes) }
}

// A database that is away for a moment is no error of the application's.
extension PostgresError: StorageFailure {}
