extension SSHDMessage {
    /// Reads what PAM and its modules write: `pam_unix(sshd:auth): authentication failure; … rhost=ADDRESS user=USER`, `PAM: Authentication
    /// failure for USER from ADDRESS`, `PAM 2 more authentication failures; …`, sessions.
    init(pam bytes: Bytes) {
        var rest = bytes
        if rest.consume("PAM: ") {
            self = .pamError(rest)
        } else if rest.consume("PAM ") {
            self = .furtherPAMFailures(rest)
        } else if rest.consume("pam_"), let open = rest.prefix(32).firstIndex(of: UInt8(ascii: "(")), let close = rest.firstRange(of: "): ")
        {
            let isUnix = rest[..<open].equals("unix")
            self = SSHDMessage(pamModule: rest[close.upperBound...], isUnix: isUnix)
        } else {
            self = .nothing("sshd message without security relevance")
        }
    }

    /// Reads a module's words.
    init(pamModule bytes: Bytes, isUnix: Bool) {
        var rest = bytes
        if rest.consume("authentication failure;") {
            self = .pamFailure(rest, .failure(isUnix ? .pamUnix : .pamOther))
        } else if rest.consume("session opened for user ") {
            self = SSHDMessage(.sessionOpened, user: .accountOfSession(rest))
        } else if rest.consume("session closed for user ") {
            self = SSHDMessage(.sessionClosed, user: .accountOfSession(rest))
        } else if rest.consume("Consecutive login failures for user "), let end = rest.firstRange(of: " account temporarily locked") {
            self = SSHDMessage(.locked, reason: "too_many_failures", user: rest[..<end.lowerBound])
        } else if rest.first.map({ (48...57).contains($0) }) == true {
            self = .furtherPAMFailures(rest)
        } else {
            self = .nothing("a line of PAM that another one repeats")
        }
    }

    /// `TEXT for [illegal user ]USER from ADDRESS[ via ADDRESS]`
    private static func pamError(_ bytes: Bytes) -> SSHDMessage {
        let invalid = bytes.firstRange(of: " for illegal user ") ?? bytes.firstRange(of: " for invalid user ")
        let isUnknown = bytes.starts(with: "User not known to the underlying authentication module")
        var user: Bytes
        let endpoint: (client: ClientAddress, rest: Bytes)
        let text: Bytes
        if let invalid {
            guard let split = bytes[invalid.upperBound...].splitAtFrom(last: true) else { return cut }
            (user, endpoint, text) = (split.user, split.endpoint, bytes[..<invalid.lowerBound])
        } else {
            guard let split = bytes.splitAtFrom(last: true), let start = split.user.lastRange(of: " for ") else {
                return bytes.contains(" for ") && bytes.contains(" from ") ? cut : nothing("a line of PAM that names nobody")
            }
            (user, endpoint, text) = (split.user[start.upperBound...], split.endpoint, split.user[..<start.lowerBound])
        }
        let reason =
            if invalid != nil || isUnknown {
                "unknown_account"
            } else if text.count == 22, text.dropFirst().starts(with: "uthentication failure") {
                "bad_password"
            } else if text.contains("expired") {
                "account_expired"
            } else if text.starts(with: "Permission denied") {
                "not_allowed"
            } else {
                "bad_password"
            }
        var message = SSHDMessage(.failure(.pamError), reason: reason, user: user, client: endpoint.client)
        message.note = text
        return message
    }

    /// `2 more authentication failures; … rhost=ADDRESS user=USER`
    private static func furtherPAMFailures(_ bytes: Bytes) -> SSHDMessage {
        var rest = bytes
        guard let count = rest.takeNumber(limit: 9), rest.consume(" more authentication failure") else {
            return nothing("a line of PAM that another one repeats")
        }
        return pamFailure(rest, .furtherFailures(count: count))
    }

    /// The fields of PAM's failure: the first `rhost=` is PAM's own, the user comes after it.
    private static func pamFailure(_ bytes: Bytes, _ meaning: Meaning) -> SSHDMessage {
        guard let start = bytes.firstRange(of: " rhost=") else { return cut }
        var rest = bytes[start.upperBound...]
        let address = rest.takeField()
        var user: Bytes?
        rest.skipSpaces()
        if rest.consume("user=") {
            user = rest
        } else if let place = bytes[..<start.lowerBound].firstRange(of: " ruser=") {
            let remote = bytes[place.upperBound..<start.lowerBound]
            if !remote.isEmpty { user = remote }
        }
        guard let client = ClientAddress(address) else {
            return address.isEmpty ? nothing("a failure of PAM without a client") : cut
        }
        return SSHDMessage(meaning, reason: user == nil ? "unknown_account" : "bad_password", user: user, client: client)
    }
}

extension ArraySlice<UInt8> {
    /// The account in `root(uid=0) by (uid=0)` or `root by (uid=0)`.
    fileprivate static func accountOfSession(_ bytes: Bytes) -> Bytes {
        var user = bytes
        if let by = user.firstRange(of: " by ") { user = user[..<by.lowerBound] }
        if let open = user.firstRange(of: "(uid=") { user = user[..<open.lowerBound] }
        return user
    }
}
