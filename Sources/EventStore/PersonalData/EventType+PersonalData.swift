import AuditEvents

extension EventType {
    static let subjectErased = EventType("audit_subject_erased")
    static let erasureRefused = EventType("audit_erasure_refused")
    static let holdSet = EventType("audit_hold_set")
    static let holdReleased = EventType("audit_hold_released")
    static let retentionSet = EventType("audit_retention_set")
    static let partitionDropped = EventType("audit_partition_dropped")
}
