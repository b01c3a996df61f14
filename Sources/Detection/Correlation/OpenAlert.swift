import AuditEvents

/// What a group remembers of an alert that may take more.
struct OpenAlert: Sendable, Hashable {
    var id: AlertID
    /// Its earliest event.
    var first: EventID
    /// Later hits are not in it yet: of a chain the hit whose window met the condition, of a settled span the latest that joined.
    var mark: EventID
    var count: Int
}
