import Crypto
public import PostgreSQL
import Schema

/// SHA-256 of a text, lower-case hex.
func digest(_ text: String) -> String {
    SHA256.hash(data: Array(text.utf8)).reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
}

/// Whether a database's schema is the one that this binary works with.
public enum SchemaVersion {
    /// The version that this binary brings.
    public static var current: Int { Schema.version }

    /// The database's version; nil where there is no schema yet.
    public static func installed(in pool: PostgresPool) async throws -> Int? {
        guard
            let row = try await pool.query(
                "select has_schema_privilege(n.oid, 'usage') as usable from pg_namespace n where n.nspname = 'audit'"
            ).first
        else { return nil }
        guard try row.decode("usable", as: Bool.self) else {
            throw StoreError(
                .privileges, "this user may not use the schema audit",
                hint: "Grant it one of cardea_writer, cardea_worker, cardea_reader, cardea_responder, cardea_admin.")
        }
        let rows = try await pool.query("select max(version) as version from audit.migration")
        return try rows.first?.decode("version", as: Int32?.self).map(Int.init)
    }

    /// Makes sure that the database can be worked with.
    ///
    /// - Throws: `StoreError` with `.schemaMissing`, `.schemaOlder` or `.schemaNewer`, each with the next step.
    public static func check(_ pool: PostgresPool) async throws {
        guard let version = try await installed(in: pool) else {
            throw StoreError(.schemaMissing, "this database has no Cardea schema", hint: "Run `cardea migrate`.")
        }
        if version > current { throw StoreError.newer(database: version) }
        if version < current {
            throw StoreError(
                .schemaOlder, "the database's schema is version \(version), this cardea needs \(current)", hint: "Run `cardea migrate`.")
        }
    }
}
