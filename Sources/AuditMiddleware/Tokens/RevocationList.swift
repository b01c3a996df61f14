public import AuditEvents
import HTTPTypes
public import Logging
import Metrics
public import ServiceLifecycle
import Synchronization

/// What is revoked, known to every instance within a second, and asked of every token without I/O.
///
/// `run()` reads new revocations whenever the store announces some, and every `pollMilliseconds` in any case. Its own the instance knows at once.
public final class RevocationList: TokenStatusChecking, Service {
    /// What happens to tokens while the store has not been read for some time.
    public struct Silence: Sendable, Hashable {
        let seconds: Int64?
        /// They are judged by what is known: a revocation elsewhere takes effect at the latest when the access token expires.
        public static let serve = Silence(seconds: nil)
        /// They are answered 503 once the last read is `seconds` ago, or before the first.
        public static func refuse(afterSeconds seconds: Int64) -> Silence { Silence(seconds: max(1, seconds)) }
    }

    private struct State {
        var set: RevocationSet
        var cursor: RevocationCursor?
        /// When the store was last read to the end, by the monotonic clock.
        var read: Int64?
        var reads = 0
    }

    private let store: any RevocationStoring
    private let silence: Silence
    private let capacity: Int
    private let pollMilliseconds: Int64
    private let clock: AuditClock
    private let sleeping: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<State>
    private let failures = Counter(label: "audit.revocations.failed_reads")

    /// - Parameters:
    ///   - whenSilent: what happens while the store is away.
    ///   - longestTokenSeconds: how long an access token can live at most, the verifier's leeway included.
    ///   - capacity: how many revocations are held; see `RevocationSet` for what happens beyond.
    public init(
        store: any RevocationStoring, whenSilent silence: Silence, longestTokenSeconds: Int64 = 3600, capacity: Int = 100_000,
        pollMilliseconds: Int64 = 1000, clock: AuditClock = .system, sleeping: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.store = store
        self.silence = silence
        self.capacity = max(1, capacity)
        self.pollMilliseconds = max(10, pollMilliseconds)
        self.clock = clock
        self.sleeping = sleeping
        self.logger = logger
        state = Mutex(State(set: RevocationSet(capacity: capacity, longestSeconds: max(1, longestTokenSeconds))))
    }

    /// How many revocations are held.
    public var count: Int { state.withLock { $0.set.count } }

    /// Revokes, here at once and everywhere as soon as it is stored.
    /// - Throws: what the store throws; this instance knows all the same.
    public func revoke(_ revocations: [Revocation]) async throws {
        guard !revocations.isEmpty else { return }
        let now = clock.now()
        state.withLock { state in
            for revocation in revocations { state.set.insert(revocation, at: now) }
        }
        try await store.add(revocations, at: now)
    }

    /// Whether the token is revoked, or its session (`sid`), or, where it names none, its account.
    public func isRevoked(_ token: VerifiedToken) -> Bool {
        let now = clock.now()
        return state.withLock { state in
            if state.set.isEmpty { return false }
            var keys: [SecretHash] = []
            if let id = token.id { keys.append(Revocation.key(.token, issuer: token.issuer, id)) }
            if let session = token.claims["sid"]?.string {
                keys.append(Revocation.key(.session, issuer: token.issuer, session))
            } else if let subject = token.subject {
                keys.append(Revocation.key(.account, issuer: token.issuer, subject))
            }
            return state.set.contains(keys, issued: token.issued, at: now)
        }
    }

    /// - Throws: `Problem` 503 where the store has been silent for too long.
    public func rejection(of token: VerifiedToken) async throws -> TokenRejection.Reason? {
        if let seconds = silence.seconds {
            let read = state.withLock { $0.read }
            guard let read, clock.monotonicMicroseconds() - read <= seconds * 1_000_000 else {
                throw Problem(
                    .serviceUnavailable, detail: "Whether the token is still good cannot be told at present.", headers: [.retryAfter: "5"])
            }
        }
        return isRevoked(token) ? .revoked : nil
    }

    /// Reads what is new. `run` does; tests and start-up may.
    public func refresh() async throws {
        let (now, started) = (clock.now(), clock.monotonicMicroseconds())
        // Everything once a minute or so: a database that was restored numbers its transactions anew.
        let cursor = state.withLock { $0.reads % 64 == 0 ? nil : $0.cursor }
        let (revocations, next) = try await store.revocations(since: cursor, at: now, limit: capacity + 1)
        state.withLock { state in
            for revocation in revocations { state.set.insert(revocation, at: now) }
            if state.reads % 64 == 0 { state.set.sweep(at: now) }
            state.reads += 1
            (state.cursor, state.read) = (next, started)
        }
    }

    /// Follows the store until it is cancelled or shut down.
    public func run() async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal.yield()
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup { group in
                group.addTask { await self.listen(signal) }
                group.addTask { await self.poll(signal) }
                group.addTask {
                    for await _ in signals { await self.refreshOrLog() }
                }
                await group.waitForAll()
            }
        }
    }

    private func refreshOrLog() async {
        do { try await refresh() } catch is CancellationError {} catch {
            failures.increment()
            logger.warning("revocations could not be read", metadata: ["error.type": "\(type(of: error))"])
        }
    }

    private func poll(_ signal: AsyncStream<Void>.Continuation) async {
        while (try? await sleeping.sleep(for: .milliseconds(pollMilliseconds))) != nil { signal.yield() }
        signal.finish()
    }

    private func listen(_ signal: AsyncStream<Void>.Continuation) async {
        while !Task.isCancelled {
            do {
                for try await _ in store.changes() { signal.yield() }
            } catch is CancellationError { return } catch {
                logger.info("listening for revocations failed", metadata: ["error.type": "\(type(of: error))"])
            }
            // Polling covers the time in between.
            guard (try? await sleeping.sleep(for: .seconds(5))) != nil else { return }
        }
    }
}

extension Clock where Duration == Swift.Duration {
    fileprivate func sleep(for duration: Swift.Duration) async throws {
        try await sleep(until: now.advanced(by: duration), tolerance: nil)
    }
}
