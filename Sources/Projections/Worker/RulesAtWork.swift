public import Detection
import Synchronization

/// The rules that a worker judges by. They may be replaced while it works: each shard takes the new ones up with its next batch, keeps the state
/// of the rules that stayed as they were, and catches up on what the others have to know.
public final class RulesAtWork: Sendable {
    private struct State {
        var set: RuleSet
        var geo: (any GeoLookup)?
        var revision = 1
    }

    private let state: Mutex<State>

    /// - Parameter geo: where addresses are; without it the rules that need it are off.
    public init(_ set: RuleSet, geo: (any GeoLookup)? = nil) { state = Mutex(State(set: set, geo: geo)) }

    var current: (set: RuleSet, geo: (any GeoLookup)?, revision: Int) { state.withLock { ($0.set, $0.geo, $0.revision) } }

    /// Of the rules that are at work now; see `RuleSet`.
    public var fingerprint: String { state.withLock { $0.set.fingerprint } }

    public func replace(_ set: RuleSet, geo: (any GeoLookup)?) {
        state.withLock { $0 = State(set: set, geo: geo, revision: $0.revision + 1) }
    }
}
