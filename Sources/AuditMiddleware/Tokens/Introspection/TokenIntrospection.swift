public import AuditEvents
import HTTPTypes
import Metrics
import Synchronization

/// Asks the service that issued opaque tokens about them (RFC 7662), and remembers its answers for a short while.
///
/// Of one token one question is under way at a time; how many at all, and how many answers are kept, is bounded. Tokens are known by their SHA-256.
public final class TokenIntrospection: Sendable {
    public struct Configuration: Sendable {
        /// The introspection endpoint; `https`, or `http` to a loopback address.
        public var url: String
        /// What this service shows itself by (RFC 6749 §2.3.1).
        public var clientID: String
        public var clientSecret: String
        /// The issuer and the audience that the answer must name, where they are given here.
        public var issuer: String?
        public var audience: String?
        /// For how long an active token's answer is believed, never beyond its `exp`; and an inactive one's.
        public var activeSeconds: Int64 = 30
        public var inactiveSeconds: Int64 = 10
        public var leewaySeconds: Int64 = 30
        public var maximumAnswers = 10_000
        /// The most questions under way; a further one fails at once.
        public var maximumInFlight = 64
        public var timeoutMilliseconds: Int64 = 3000

        public init(url: String, clientID: String, clientSecret: String, issuer: String? = nil, audience: String? = nil) {
            (self.url, self.clientID, self.clientSecret) = (url, clientID, clientSecret)
            (self.issuer, self.audience) = (issuer, audience)
        }
    }

    /// Why nothing is known of a token.
    public struct Failure: Error, Sendable, Hashable {
        /// A short code: `status_500`, `malformed`, `busy`, `unreachable`.
        public var kind: String
    }

    private struct Known: Sendable {
        var answer: IntrospectedToken
        var until: Timestamp
    }

    private struct State: Sendable {
        var answers: RecentEntries<TokenDigest, Known>
        var flights: [TokenDigest: Task<Result<IntrospectedToken, Failure>, Never>] = [:]
    }

    private let configuration: Configuration
    private let http: any OutboundHTTP
    private let now: @Sendable () -> Timestamp
    private let authorization: String
    private let state: Mutex<State>
    private let questions = Counter(label: "audit.introspection.questions")
    private let failures = Counter(label: "audit.introspection.failures")

    public init(_ configuration: Configuration, http: any OutboundHTTP, now: @escaping @Sendable () -> Timestamp = AuditClock.system.now) {
        (self.configuration, self.http, self.now) = (configuration, http, now)
        let credentials = FormFields.escaped(configuration.clientID) + ":" + FormFields.escaped(configuration.clientSecret)
        authorization = "Basic " + StrictBase64.padded(credentials)
        state = Mutex(State(answers: RecentEntries(capacity: configuration.maximumAnswers)))
    }

    /// What the service says of `token`, at most `activeSeconds` ago.
    public func introspect(_ token: Substring) async throws(Failure) -> IntrospectedToken {
        let digest = TokenDigest(token)
        let time = now()
        let (known, flight) = state.withLock { state -> (IntrospectedToken?, Task<Result<IntrospectedToken, Failure>, Never>?) in
            if let known = state.answers.value(digest) {
                if time < known.until { return (known.answer, nil) }
                state.answers.remove(digest)
            }
            if let flight = state.flights[digest] { return (nil, flight) }
            guard state.flights.count < configuration.maximumInFlight else { return (nil, nil) }
            let text = String(token)
            let flight = Task { await self.ask(text, digest) }
            state.flights[digest] = flight
            return (nil, flight)
        }
        if let known { return known }
        guard let flight else {
            failures.increment()
            throw Failure(kind: "busy")
        }
        return try await flight.value.get()
    }

    private func ask(_ token: String, _ digest: TokenDigest) async -> Result<IntrospectedToken, Failure> {
        questions.increment()
        let result: Result<IntrospectedToken, Failure>
        do throws(Failure) {
            result = .success(try await answer(token))
        } catch { result = .failure(error) }
        let time = now()
        state.withLock { state in
            state.flights[digest] = nil
            guard case .success(let answer) = result else { return }
            let until: Timestamp
            switch answer {
            case .active(let token):
                let most = time.advanced(bySeconds: configuration.activeSeconds)
                until = token.expires.map { min($0, most) } ?? most
            case .inactive: until = time.advanced(bySeconds: configuration.inactiveSeconds)
            }
            state.answers.insert(Known(answer: answer, until: until), for: digest)
        }
        if case .failure = result { failures.increment() }
        return result
    }

    private func answer(_ token: String) async throws(Failure) -> IntrospectedToken {
        let response: OutboundResponse
        do throws(OutboundError) {
            response = try await http.send(
                OutboundRequest(
                    .post, url: configuration.url,
                    headers: [
                        .authorization: authorization, .accept: "application/json", .contentType: "application/x-www-form-urlencoded",
                    ], body: Array("token=\(FormFields.escaped(token))&token_type_hint=access_token".utf8),
                    timeoutMilliseconds: configuration.timeoutMilliseconds, maximumBytes: 64 * 1024))
        } catch { throw Failure(kind: "unreachable") }
        guard response.status == 200 else { throw Failure(kind: "status_\(response.status)") }
        guard response.body.count <= 64 * 1024, let json = (try? JSONValue(parsing: response.body, maximumDepth: 16))?.object,
            let answer = IntrospectedToken(json, rules: configuration, now: now())
        else { throw Failure(kind: "malformed") }
        return answer
    }
}
