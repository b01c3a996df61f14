import AuditEvents
import HTTPTypes
public import Logging
import Metrics
import Synchronization

/// The keys of another issuer, by the URL of its JWK set or by discovery.
///
/// Fetched when first wanted, again when `Cache-Control` says so (in the background), and at once when a token names a key that is not among them,
/// at most every `cooldownSeconds`. One fetch is under way at a time. While the endpoint fails, the last good set stays in use for `staleSeconds`.
public final class RemoteKeySource: KeySource {
    /// Where the key set is.
    public enum Location: Sendable, Hashable {
        /// At this URL.
        case url(String)
        /// Where the issuer's `/.well-known/openid-configuration` says; the document must name exactly this issuer (OpenID Connect Discovery §4.3).
        case issuer(String)
    }

    public struct Policy: Sendable {
        /// The time in seconds between two fetches for keys that are not there.
        public var cooldownSeconds: Int64 = 30
        /// How long a set is used before it is fetched again: what the answer says within these bounds, the upper one where it says nothing.
        public var refreshSeconds: ClosedRange<Int64> = 60...600
        /// The time until the next attempt after one that failed.
        public var retrySeconds: Int64 = 5
        /// How long a set is used at most without word from its source.
        public var staleSeconds: Int64 = 24 * 3600
        public var maximumBytes = 256 * 1024
        public var maximumKeys = 64
        public var timeoutMilliseconds: Int64 = 5000
        public init() {}
    }

    private struct State: Sendable {
        var refresh: KeyRefresh
        var keys: KeySet?
        var document: [UInt8]?
        var tag: String?
        var url: String?
        var flight: Task<Void, Never>?
    }

    private let location: Location
    private let algorithms: [SigningAlgorithm]
    private let policy: Policy
    private let http: any OutboundHTTP
    private let clock: AuditClock
    private let logger: Logger
    private let state: Mutex<State>
    private let fetches = Counter(label: "audit.keys.fetches")
    private let failures = Counter(label: "audit.keys.failures")

    /// - Parameter algorithms: those accepted. A key bears one of them in `alg`, or gets that of its curve, or, of RSA, the first here that fits.
    public init(
        _ location: Location, http: any OutboundHTTP, algorithms: [SigningAlgorithm] = [.edDSA, .es256, .es384, .es512, .rs256, .ps256],
        policy: Policy = Policy(), clock: AuditClock = .system, logger: Logger
    ) {
        self.location = location
        self.algorithms = algorithms.filter { !$0.isSymmetric }
        (self.policy, self.http, self.clock, self.logger) = (policy, http, clock, logger)
        let url: String? = if case .url(let url) = location { url } else { nil }
        state = Mutex(State(refresh: KeyRefresh(policy), url: url))
    }

    public func current() -> KeySet? {
        let now = clock.monotonicMicroseconds()
        return state.withLock { state in
            guard state.refresh.isUsable(at: now) else { return nil }
            if state.refresh.keysWanted(at: now) == .useAndFetch { start(&state) }
            return state.keys
        }
    }

    public func refresh() async throws(KeysUnavailable) -> KeySet {
        let now = clock.monotonicMicroseconds()
        let (flight, isUnavailable) = state.withLock { state -> (Task<Void, Never>?, Bool) in
            switch state.refresh.keyMissing(at: now) {
            case .use: return (nil, false)
            case .unavailable: return (nil, true)
            case .wait: return (state.flight, false)
            case .fetch, .useAndFetch:
                start(&state)
                return (state.flight, false)
            }
        }
        guard !isUnavailable else { throw KeysUnavailable() }
        await flight?.value
        let keys = state.withLock { flight != nil && $0.refresh.hasFailed ? nil : $0.keys }
        guard let keys else { throw KeysUnavailable() }
        return keys
    }

    private func start(_ state: inout State) { state.flight = Task { await self.fetch() } }

    private func fetch() async {
        fetches.increment()
        do throws(FetchFailure) {
            let url = try await url()
            let (tag, hasKeys) = state.withLock { ($0.tag, $0.keys != nil) }
            let answer = try await KeyDocument.fetch(url, tag: hasKeys ? tag : nil, by: http, policy: policy)
            try accept(answer)
        } catch {
            failures.increment()
            logger.warning("keys not fetched", metadata: ["keys.location": "\(location)", "error.kind": "\(error.kind)"])
            state.withLock { state in
                state.refresh.failed()
                state.flight = nil
                // The issuer may have moved its keys.
                if case .issuer = location { state.url = nil }
            }
        }
    }

    private func url() async throws(FetchFailure) -> String {
        if let url = state.withLock({ $0.url }) { return url }
        guard case .issuer(let issuer) = location else { throw FetchFailure(kind: "no_url") }
        let url = try await KeyDocument.discover(issuer, by: http, policy: policy)
        state.withLock { $0.url = url }
        return url
    }

    private func accept(_ answer: KeyDocument) throws(FetchFailure) {
        let known = state.withLock { $0.document }
        var keys: KeySet?
        if let bytes = answer.bytes, bytes != known {
            do throws(KeyError) {
                let set = try JSONWebKeySet(parsing: bytes, maximumKeys: policy.maximumKeys)
                keys = try KeySet(try set.verificationKeys(allowing: algorithms, onlyPublic: true))
                if set.unusable > 0 { logger.info("keys passed over", metadata: ["keys.unusable": "\(set.unusable)"]) }
            } catch { throw FetchFailure(kind: "\(error)") }
        }
        let now = clock.monotonicMicroseconds()
        state.withLock { state in
            state.refresh.succeeded(at: now, maximumAge: answer.maximumAge)
            state.flight = nil
            state.tag = answer.tag ?? (answer.bytes == nil ? state.tag : nil)
            guard let keys, let bytes = answer.bytes else { return }
            (state.keys, state.document) = (keys, bytes)
        }
    }
}
