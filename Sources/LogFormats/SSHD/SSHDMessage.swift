/// What one message of sshd says by itself, without the lines around it.
struct SSHDMessage {
    enum Meaning {
        /// A login failed; `evidence` is the kind of line that tells it.
        case failure(Evidence)
        /// `PAM N more authentication failures`, written when a connection ends.
        case furtherFailures(count: Int)
        /// A key of an existing account was not accepted.
        case keyRefused
        /// The connection failed so often that sshd ended it.
        case exceeded
        case accepted
        /// The connection ended before anybody was authenticated.
        case aborted
        /// A connection was dropped because there were too many.
        case limited
        /// A connection was refused by a rule.
        case refused
        case locked
        case sessionOpened, sessionClosed
        /// A connection began.
        case connected
        /// Nothing for the record; `reason` says why.
        case nothing
        /// The line ends before what it must say.
        case malformed
    }

    /// The kinds of line that sshd and PAM write about one and the same failed login.
    struct Evidence: OptionSet {
        var rawValue: UInt8
        static let invalidUser = Evidence(rawValue: 1)
        static let failed = Evidence(rawValue: 2)
        static let failedNone = Evidence(rawValue: 4)
        static let failedKey = Evidence(rawValue: 8)
        static let pamError = Evidence(rawValue: 16)
        static let notAllowed = Evidence(rawValue: 32)
        static let pamUnix = Evidence(rawValue: 64)
        static let pamOther = Evidence(rawValue: 128)
        /// Written by PAM's modules, which may run in a process of their own.
        static let pam: Evidence = [.pamUnix, .pamOther]
    }

    var meaning: Meaning
    var reason: String
    /// The account that was claimed; empty is a name too.
    var user: Bytes?
    var client: ClientAddress?
    /// The authentication method: `password`, `publickey`, `keyboard-interactive/pam`.
    var method: Bytes?
    var keyType: Bytes?
    var keyFingerprint: Bytes?
    /// What the other side or sshd gave as its reason.
    var note: Bytes?
    /// Whether sshd was waiting for this user's authentication when the connection ended.
    var wasAuthenticating = false

    init(_ meaning: Meaning, reason: String = "", user: Bytes? = nil, client: ClientAddress? = nil) {
        self.meaning = meaning
        self.reason = reason
        self.user = user
        self.client = client
    }

    static func nothing(_ reason: String) -> SSHDMessage { SSHDMessage(.nothing, reason: reason) }
    static let cut = SSHDMessage(.malformed, reason: "the line ends before its client's address")
}
