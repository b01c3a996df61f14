public import Logging
import Synchronization

/// Verifies ID tokens with the keys that their issuers publish: a `RemoteKeySource` for each provider, kept from one sign-in to the next.
public final class IDTokenVerifier: IDTokenVerifying {
    private let http: any OutboundHTTP
    private let clock: AuditClock
    private let logger: Logger
    private let sources = Mutex<[RemoteKeySource.Location: RemoteKeySource]>([:])

    public init(http: any OutboundHTTP, clock: AuditClock = .system, logger: Logger) {
        (self.http, self.clock, self.logger) = (http, clock, logger)
    }

    public func verify(idToken: String, expecting expectation: IDTokenExpectation) async throws -> VerifiedToken {
        let location = expectation.keysURL.map { RemoteKeySource.Location.url($0) } ?? .issuer(expectation.issuer)
        // There are as many as there are providers: expectations come from the configuration.
        let source = sources.withLock { sources in
            if let known = sources[location] { return known }
            let source = RemoteKeySource(location, http: http, clock: clock, logger: logger)
            sources[location] = source
            return source
        }
        return try await TokenVerifier(
            source: source,
            rules: .init(
                issuer: expectation.issuer, audience: expectation.audience, types: ["JWT"], requiresType: false, leewaySeconds: 60,
                maximumBytes: 16 * 1024),
            now: clock.now
        ).verifyRefreshing(idToken)
    }
}
