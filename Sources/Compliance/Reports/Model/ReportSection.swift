public import AuditEvents

/// One section: what was looked at and how, what was found, what stands out, and what the figures cannot say.
public struct ReportSection: Sendable, Hashable {
    public var topic: ReportTopic
    /// What was looked at, in words.
    public var population: String
    /// The statement that counted it, `$1`, `$2`, … being the bounds of the report.
    public var query: String
    /// How large the population is.
    public var count: Int64
    public var tables: [ReportTable] = []
    public var charts: [ReportChart] = []
    public var exceptions: [ReportExceptions] = []
    /// What the section cannot evidence.
    public var limits: [String] = []
    /// What the tool itself tested; nil where there is nothing to test.
    public var criterion: ReportCriterion?

    public init(topic: ReportTopic, population: String, query: String, count: Int64) {
        (self.topic, self.population, self.query, self.count) = (topic, population, query, count)
    }
}

/// Something that a machine can decide.
public struct ReportCriterion: Sendable, Hashable {
    public var text: String
    public var isMet: Bool
    public init(_ text: String, isMet: Bool) { (self.text, self.isMet) = (text, isMet) }
}

/// A value of a table.
public enum ReportValue: Sendable, Hashable {
    case text(String)
    case number(Int64)
    case time(Timestamp)
    case none

    /// The value as people read it.
    public var text: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .time(let time): time.description
        case .none: "–"
        }
    }

    var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .int(number)
        case .time(let time): .string(time.description)
        case .none: .null
        }
    }
}

public struct ReportTable: Sendable, Hashable {
    public var title: String
    public var columns: [String]
    public var rows: [[ReportValue]]
    public init(title: String, columns: [String], rows: [[ReportValue]]) { (self.title, self.columns, self.rows) = (title, columns, rows) }
}

/// What stands out: the first few of it, and how much there is.
public struct ReportExceptions: Sendable, Hashable {
    public var table: ReportTable
    public var total: Int64
    public init(table: ReportTable, total: Int64) { (self.table, self.total) = (table, total) }
}

/// Bars, one a label.
public struct ReportChart: Sendable, Hashable {
    public var title: String
    public var bars: [Bar]
    public struct Bar: Sendable, Hashable {
        public var label: String
        public var value: Int64
        public init(label: String, value: Int64) { (self.label, self.value) = (label, value) }
    }
    public init(title: String, bars: [Bar]) { (self.title, self.bars) = (title, bars) }
}
