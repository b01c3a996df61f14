/// Routes that cannot be served as they were added; thrown at start-up.
public struct RoutingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Routes without a policy in a group that denies by default.
    public var undecided: [String] = []
    /// Routes whose policy speaks of a parameter that their path does not have.
    public var unknownParameters: [String] = []

    public var description: String {
        var parts: [String] = []
        if !undecided.isEmpty { parts.append("no policy for \(undecided.joined(separator: ", "))") }
        if !unknownParameters.isEmpty {
            parts.append("an owner of a parameter that is not in the path: \(unknownParameters.joined(separator: ", "))")
        }
        return parts.joined(separator: "; ")
    }
}
