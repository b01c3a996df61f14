/// The life of one alert: what people and detection may do to it, and what becomes of it. Pure.
///
/// Two things go on at once. People decide: acknowledge, assign, resolve, reopen. Detection counts: the alert takes further events until none
/// came for the rule's `suppress`, then it is idle. An idle alert is resolved by that; an event that comes nevertheless (late, or from an older
/// file) undoes it, as though it had not been idle. An event after a person's `resolve` reopens the alert; after `false positive` it
/// does not, since the person judged the rule and not its moment.
public struct AlertLife: Sendable, Hashable {
    /// How it came to be closed.
    public enum Closing: Sendable, Hashable {
        /// By a person's decision.
        case person(String)
        /// No event came any more; the state it had.
        case idle(from: AlertState)
    }

    public private(set) var state: AlertState
    /// Who said first that it was seen.
    public private(set) var acknowledgedBy: String?
    public private(set) var assignee: String?
    /// Set while `resolved` or `falsePositive`.
    public private(set) var closing: Closing?
    /// Whether no further event is expected.
    public private(set) var isIdle: Bool

    /// What a person does.
    public enum Act: Sendable, Hashable {
        case acknowledge
        case assign(to: String)
        case resolve
        case markFalsePositive
        case reopen
        case note
    }

    /// What detection finds.
    public enum Finding: Sendable, Hashable {
        /// Further events joined.
        case hits
        /// No event is expected any more.
        case idle
        /// Another alert of the group turned out to be part of this one.
        case absorbed(active: Bool)
        /// It turned out to be part of another one.
        case mergedAway
    }

    /// What happened to an alert, as it is recorded.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case opened, acknowledged, assigned, resolved, reopened, noted, merged
        case falsePositive = "false_positive"
    }

    public struct Change: Sendable, Hashable {
        public var kind: Kind
        public var from: AlertState, to: AlertState
        /// A word for why, where detection did it: `idle`, `hits`, `merge`.
        public var cause: String?
    }

    /// An alert that was just opened.
    public init() { (state, isIdle) = (.open, false) }

    /// A life read back from a store.
    public init(state: AlertState, acknowledgedBy: String?, assignee: String?, closing: Closing?, isIdle: Bool) {
        self.state = state
        self.acknowledgedBy = acknowledgedBy
        self.assignee = assignee
        self.closing = closing
        self.isIdle = isIdle
    }

    /// Whether nobody need look at it any more: a person closed it, or had seen it when it became idle, or it is part of another.
    public var isSettled: Bool {
        switch state {
        case .open, .acknowledged, .assigned, .reopened: false
        case .falsePositive, .merged: true
        case .resolved: if case .idle = closing { acknowledgedBy != nil } else { true }
        }
    }

    /// Does what a person asks.
    ///
    /// - Throws: `AlertingError` with `.transition`, and what can be done instead; then nothing changed.
    public mutating func apply(_ act: Act, by person: String) throws(AlertingError) -> Change {
        guard state != .merged else { throw refused("it is part of another alert", "Look at that one.") }
        let before = state
        switch act {
        case .note: return Change(kind: .noted, from: state, to: state)
        case .acknowledge:
            if let acknowledgedBy { throw refused("\(acknowledgedBy) has acknowledged it", assignee.map { "It is \($0)'s." }) }
            if case .person(let closer) = closing { throw refused("\(closer) has closed it", AlertLife.reopen) }
            acknowledgedBy = person
            // One that is over stays so: it is now known to have been seen.
            if state.isActive { state = .acknowledged }
            return Change(kind: .acknowledged, from: before, to: state)
        case .assign(let other):
            if case .person(let closer) = closing { throw refused("\(closer) has closed it", AlertLife.reopen) }
            if state == .assigned, assignee == other { throw refused("it is \(other)'s already") }
            (state, assignee, closing) = (.assigned, other, nil)
            acknowledgedBy = acknowledgedBy ?? person
            return Change(kind: .assigned, from: before, to: state)
        case .resolve, .markFalsePositive:
            let verdict: AlertState = act == .resolve ? .resolved : .falsePositive
            if case .person(let closer) = closing, state == verdict || state == .falsePositive {
                throw refused("\(closer) has closed it", state == verdict ? nil : AlertLife.reopen)
            }
            (state, closing) = (verdict, .person(person))
            return Change(kind: act == .resolve ? .resolved : .falsePositive, from: before, to: state)
        case .reopen:
            guard !state.isActive else { throw refused("it is not closed") }
            reopen()
            return Change(kind: .reopened, from: before, to: state)
        }
    }

    /// Takes up what detection found; nil where that changes nothing that people see.
    public mutating func take(_ finding: Finding) -> Change? {
        let before = state
        guard before != .merged else { return nil }
        switch finding {
        case .hits:
            isIdle = false
            if case .idle(let earlier) = closing {
                (state, closing) = (earlier, nil)
                return Change(kind: .reopened, from: before, to: state, cause: "hits")
            }
            guard before == .resolved else { return nil }
            reopen()
            return Change(kind: .reopened, from: before, to: state, cause: "hits")
        case .idle:
            isIdle = true
            guard before.isActive else { return nil }
            (state, closing) = (.resolved, .idle(from: before))
            return Change(kind: .resolved, from: before, to: state, cause: "idle")
        case .absorbed(let isActive):
            // Nobody has judged what the other one holds.
            guard isActive, !before.isActive else { return nil }
            if case .idle(let earlier) = closing { (state, closing) = (earlier, nil) } else { reopen() }
            return Change(kind: .reopened, from: before, to: state, cause: "merge")
        case .mergedAway:
            (state, closing, isIdle) = (.merged, nil, true)
            return Change(kind: .merged, from: before, to: state, cause: "merge")
        }
    }

    private mutating func reopen() { (state, closing, acknowledgedBy) = (.reopened, nil, nil) }

    private func refused(_ message: String, _ hint: String? = nil) -> AlertingError {
        AlertingError(.transition, "the alert is \(state.rawValue): \(message)", hint: hint)
    }

    private static let reopen = "Reopen it first."
}
