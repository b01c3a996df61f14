import Detection

/// The rows of an engine's state as a database would hold them.
struct StateBook {
    private(set) var rows: [StateKey: StateRow] = [:]

    mutating func apply(_ changes: [StateChange]) {
        for change in changes {
            switch change {
            case .upsert(let row): rows[row.key] = row
            case .delete(let key): rows[key] = nil
            }
        }
    }
}
