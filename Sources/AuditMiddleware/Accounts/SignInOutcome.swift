import AuditEvents
import HTTPTypes

/// Who signed in, and how.
public struct SignedIn: Sendable {
    public var principal: Principal
    /// `password`, `password+totp` or `password+recovery_code`.
    public var factor: String
    /// Whether the password is now kept as a better hash.
    public var wasUpgraded: Bool
    /// How many attempts had failed since the last success.
    public var failuresBefore: Int
}

/// What became of an attempt to sign in.
public enum SignInOutcome: Sendable {
    case signedIn(SignedIn)
    /// For whatever reason: outside there is one.
    case rejected
    /// Also for a right password, and for accounts that do not exist.
    case locked(retryAfterSeconds: Int)
    /// The password is right, and a code is wanted: to be tried again with one.
    case secondFactorRequired

    /// What the client is told; nil for who signed in.
    ///
    /// 401 for `rejected` and `secondFactorRequired` (with a type of its own), 429 with `Retry-After` for `locked`, as django-axes has it.
    public func problem(challenge: AuthenticationChallenge) -> Problem? {
        switch self {
        case .signedIn: return nil
        case .rejected:
            return Problem(.unauthorized, detail: SignInOutcome.rejection, headers: [.wwwAuthenticate: challenge.value()])
        case .locked(let seconds): return Problem(.tooManyRequests, detail: SignInOutcome.lock, headers: [.retryAfter: String(seconds)])
        case .secondFactorRequired:
            return Problem(
                .unauthorized, type: "urn:cardea:problem:second-factor-required", title: "Second factor required",
                detail: "A one-time code is required.", headers: [.wwwAuthenticate: challenge.value()])
        }
    }

    static let rejection = "Unknown user or wrong password."
    static let lock = "Too many failed attempts. Try again later."
}

/// An event of an attempt, not yet emitted.
struct SignInEvent: Sendable {
    var type: EventType
    var outcome: Outcome
    var reason: String?
    var severity = Severity.informational
    var details: JSONObject = [:]
}

/// What was found out about an attempt: the outcome, whose it was, and the events, the decisive one first.
struct SignInVerdict: Sendable {
    var outcome: SignInOutcome
    var actor: EventBody.Actor
    var events: [SignInEvent]
}
