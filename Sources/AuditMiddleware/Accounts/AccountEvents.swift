public import AuditEvents

extension EventType {
    /// A password was right, and a second factor is still wanted. Cardea's addition to the vocabulary.
    public static let secondFactorRequired = EventType("authn_second_factor_required")
}
