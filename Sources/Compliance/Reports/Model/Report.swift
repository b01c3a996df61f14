public import AuditEvents

/// What the record says about a period, section by section, for one framework. Values alone: renderers turn it into bytes.
public struct Report: Sendable, Hashable {
    public var framework: ReportFramework
    public var period: ReportPeriod
    public var sections: [ReportSection]

    public init(framework: ReportFramework, period: ReportPeriod, sections: [ReportSection]) {
        (self.framework, self.period, self.sections) = (framework, period, sections)
    }

    /// What no record of events can show, whatever stands in it.
    public static let limits = [
        "That the application reported everything cannot be proved by its record; heartbeats, counters and gaps stand in S7.",
        "How clocks are configured and synchronised is not in the record; S11 compares what was claimed with what was received.",
        "Policies, procedures and training are not in the record.",
        "That a second factor is enforced is not shown; S1 counts the factors that sign-ins told of.",
        "That a person has reviewed anything is shown only where the person attested it (S9).",
        "Control ids are pointers; whether the evidence satisfies a control is an assessor's judgement.",
    ]
}

/// What a report is about: a span of event time, both ends included, in a time zone, for all tenants or some.
public struct ReportPeriod: Sendable, Hashable {
    public var since: Timestamp
    public var until: Timestamp
    /// A name of the IANA time zone database, in whose days the report counts.
    public var zone: String
    /// The tenants; none: all.
    public var tenants: [String]

    public init(since: Timestamp, until: Timestamp, zone: String = "UTC", tenants: [String] = []) {
        (self.since, self.until, self.zone, self.tenants) = (since, until, zone, tenants)
    }

    /// Whole days up to a quarter are shown day by day, longer periods month by month.
    var bucketFormat: String { until.microseconds(since: since) <= 93 * 86_400_000_000 ? "YYYY-MM-DD" : "YYYY-MM" }
}
