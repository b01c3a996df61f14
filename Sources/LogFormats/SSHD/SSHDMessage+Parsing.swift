extension SSHDMessage {
    /// Reads a message (the words are those of OpenSSH's `auth.c`, `auth2.c`, `packet.c`, `kex.c`, `sshd.c`, `auth-pam.c`).
    ///
    /// Names that a client chooses stand between sshd's own words, and may imitate them. An account that does not exist can have any name, so
    /// behind one the last ` from ` counts; the name of an existing account is sane, so behind it the first.
    init(parsing bytes: Bytes) {
        var rest = bytes
        while rest.last == UInt8(ascii: " ") { rest.removeLast() }
        let isBeforeAuthentication = rest.consumeSuffix(" [preauth]")
        var isError = false
        while rest.consume("error: ") || rest.consume("fatal: ") || rest.consume("warning: ") { isError = true }
        self =
            switch rest.first {
            case UInt8(ascii: "F"): .failed(rest)
            case UInt8(ascii: "I"): .invalidUser(rest)
            case UInt8(ascii: "A"): .startingWithA(rest)
            case UInt8(ascii: "C"), UInt8(ascii: "D"), UInt8(ascii: "R"):
                SSHDMessage(ending: rest, isBeforeAuthentication: isBeforeAuthentication, isError: isError)
            case UInt8(ascii: "p"), UInt8(ascii: "P"): SSHDMessage(pam: rest)
            case UInt8(ascii: "U"): .startingWithU(rest)
            default: .other(rest, isBeforeAuthentication: isBeforeAuthentication)
            }
    }

    private static let unknown = nothing("sshd message without security relevance")

    /// `Failed METHOD for [invalid user ]USER from ADDRESS port PORT ssh2[: key]`
    private static func failed(_ bytes: Bytes) -> SSHDMessage {
        var rest = bytes
        guard rest.consume("Failed ") else { return unknown }
        let method = rest.takeField()
        guard rest.consume("for ") else { return method.equals("to") ? unknown : cut }
        let isInvalid = rest.consumeInvalidUser()
        guard let (user, endpoint) = rest.splitAtFrom(last: isInvalid) else { return cut }
        let isNone = method.equals("none")
        if isNone, !isInvalid { return nothing("a client that asks which methods there are") }
        let isKey = method.equals("publickey") || method.starts(with: "hostbased")
        var message: SSHDMessage
        if isKey, !isInvalid {
            message = SSHDMessage(.keyRefused, reason: "a key that was not accepted: clients try all they have")
        } else {
            let isPassword = method.equals("password") || method.starts(with: "keyboard-interactive") || method.starts(with: "challenge")
            message = SSHDMessage(
                .failure(isNone ? .failedNone : isKey ? .failedKey : .failed),
                reason: isInvalid || user.equals("<invalid username>") ? "unknown_account" : isPassword ? "bad_password" : "bad_credentials"
            )
        }
        (message.user, message.client, message.method) = (user, endpoint.client, method)
        message.readKey(endpoint.rest)
        return message
    }

    /// `Invalid user USER from ADDRESS[ port PORT]`
    private static func invalidUser(_ bytes: Bytes) -> SSHDMessage {
        var rest = bytes
        guard rest.consume("Invalid user") || rest.consume("Illegal user") else { return unknown }
        guard let (user, endpoint) = rest.splitAtFrom(last: true) else { return cut }
        return SSHDMessage(
            .failure(.invalidUser), reason: "unknown_account", user: user.first == UInt8(ascii: " ") ? user.dropFirst() : user,
            client: endpoint.client)
    }

    private static func startingWithA(_ bytes: Bytes) -> SSHDMessage {
        var rest = bytes
        if rest.consume("Accepted ") {
            let method = rest.takeField()
            guard rest.consume("for "), let (user, endpoint) = rest.splitAtFrom(last: false) else { return cut }
            var message = SSHDMessage(.accepted, user: user, client: endpoint.client)
            message.method = method
            message.readKey(endpoint.rest)
            return message
        }
        if rest.consume("Authentication tried for ") {
            guard let end = rest.firstRange(of: " with correct key but not from a permitted host"), let ip = rest.lastRange(of: ", ip=")
            else { return cut }
            let address = rest[ip.upperBound...].prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ")") && $0 != UInt8(ascii: " ") }
            guard let client = ClientAddress(address) else { return cut }
            return SSHDMessage(.failure(.notAllowed), reason: "not_allowed", user: rest[..<end.lowerBound], client: client)
        }
        if rest.consume("Access denied for user ") {
            guard let end = rest.firstRange(of: " by PAM account configuration") else { return unknown }
            return SSHDMessage(.failure(.notAllowed), reason: "not_allowed", user: rest[..<end.lowerBound])
        }
        if rest.starts(with: "Address "), rest.contains("POSSIBLE BREAK-IN ATTEMPT") {
            return nothing("an address whose name does not map back: no attempt by itself")
        }
        return unknown
    }

    /// `User USER from ADDRESS not allowed because …`, `Unable to negotiate with ADDRESS port PORT: …`
    private static func startingWithU(_ bytes: Bytes) -> SSHDMessage {
        var rest = bytes
        if rest.consume("User ") {
            guard let because = rest.firstRange(of: " not allowed because ") else { return unknown }
            let note = rest[because.upperBound...]
            let who = rest[..<because.lowerBound]
            var message = SSHDMessage(.failure(.notAllowed), reason: "not_allowed", user: who)
            if let (user, endpoint) = who.splitAtFrom(last: false) { (message.user, message.client) = (user, endpoint.client) }
            message.note = note
            return message
        }
        if rest.consume("Unable to negotiate with ") { return aborted(rest, reason: "negotiation_failed") }
        return unknown
    }

    private static func other(_ bytes: Bytes, isBeforeAuthentication: Bool) -> SSHDMessage {
        var rest = bytes
        if rest.consume("maximum authentication attempts exceeded for ") {
            let isInvalid = rest.consumeInvalidUser()
            guard let (user, endpoint) = rest.splitAtFrom(last: isInvalid) else { return cut }
            return SSHDMessage(.exceeded, user: user, client: endpoint.client)
        }
        if rest.consume("Bad protocol version identification ") {
            guard let (_, endpoint) = rest.splitAtFrom(last: true) else { return cut }
            return SSHDMessage(.aborted, reason: "bad_protocol_version", client: endpoint.client)
        }
        if rest.consume("banner exchange: Connection from ") { return aborted(rest, reason: "bad_banner") }
        if rest.consume("Timeout before authentication for ") {
            _ = rest.consume("connection from ")
            return aborted(rest, reason: "timeout")
        }
        if rest.consume("ssh_dispatch_run_fatal: Connection from ") {
            guard isBeforeAuthentication || !rest.starts(with: "user ") else { return nothing("a session's connection broke") }
            return aborted(rest, reason: "protocol_error")
        }
        if rest.consume("drop connection #") { return dropped(rest) }
        if rest.consume("refused connect from ") {
            guard let open = rest.lastIndex(of: UInt8(ascii: "(")), rest.last == UInt8(ascii: ")"),
                let client = ClientAddress(rest[(open + 1)...].dropLast())
            else { return cut }
            return SSHDMessage(.refused, reason: "refused_by_rule", client: client)
        }
        if rest.starts(with: "reverse mapping checking ") {
            return nothing("an address whose name does not map back: no attempt by itself")
        }
        return unknown
    }

    /// `drop connection #10 from [ADDRESS]:PORT on [ADDRESS]:PORT past MaxStartups` or `… penalty: REASON`
    private static func dropped(_ bytes: Bytes) -> SSHDMessage {
        guard let start = bytes.firstRange(of: " from [") else { return cut }
        var rest = bytes[start.upperBound...]
        let address = rest.takeField(upTo: UInt8(ascii: "]"))
        let port = rest.consume(":") ? rest.takeNumber(limit: 5).flatMap(UInt16.init(exactly:)) : nil
        guard let client = ClientAddress(address, port: port) else { return cut }
        var message = SSHDMessage(.limited, reason: "max_startups", client: client)
        if let penalty = rest.firstRange(of: "penalty: ") {
            message.reason = "penalty"
            message.note = rest[penalty.upperBound...]
        }
        return message
    }

    /// The key behind `ssh2: `: its type and its fingerprint.
    private mutating func readKey(_ bytes: Bytes) {
        guard let start = bytes.firstRange(of: ": ") else { return }
        var rest = bytes[start.upperBound...]
        let type = rest.takeField()
        let fingerprint = rest.takeField()
        guard !type.isEmpty, fingerprint.count >= 16 else { return }
        (keyType, keyFingerprint) = (type, fingerprint)
    }
}
