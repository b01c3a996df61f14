/// Where an alert is in its life.
public enum AlertState: String, Sendable, Hashable, CaseIterable {
    /// Nobody has looked at it.
    case open
    /// Somebody has seen it.
    case acknowledged
    /// Somebody is to deal with it.
    case assigned
    /// It is over: a person said so, or it was idle.
    case resolved
    /// A person found that the rule was wrong.
    case falsePositive = "false_positive"
    /// It was over and is not.
    case reopened
    /// A late event showed it to be part of another alert.
    case merged

    /// Whether there is still something to do; of one rule and group at most one alert is active.
    public var isActive: Bool {
        switch self {
        case .open, .acknowledged, .assigned, .reopened: true
        case .resolved, .falsePositive, .merged: false
        }
    }

    public static let active = allCases.filter(\.isActive)
}
