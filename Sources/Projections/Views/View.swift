public import AuditEvents

/// A view of the record: a fold of a shard's events, in index order, into rows.
///
/// A pure function of the events, so that it can be dropped and built again. Its tables are in `sql/views/NAME.sql`; add it to `Views.all`.
protocol View: Sendable {
    associatedtype Row: ViewRow

    /// The view's name, which is also its table's.
    static var name: String { get }
    /// Grows with every change of the fold or the table: a new version is built beside the old one and then takes its place.
    static var version: Int { get }

    /// The keys of the rows that an event may change.
    static func keys(of event: AuditEvent) -> [Row.Key]

    /// Folds the event into the row under `key`; nil is a row that is not there (and may stay so).
    static func fold(_ event: AuditEvent, into row: inout Row?, key: Row.Key)
}

/// A row of a view's table, to and from its columns as JSON.
protocol ViewRow: Sendable, Equatable {
    associatedtype Key: ViewKey

    init(key: Key, columns: JSONObject) throws
    /// Every column but the key's and `shard`.
    var columns: JSONObject { get }
}

/// What identifies a row within its shard.
protocol ViewKey: Sendable, Hashable {
    /// The key's columns by name.
    var columns: JSONObject { get }
    init(columns: JSONObject) throws
}
