extension SSHDMessage {
    /// Reads the messages that begin with `Connection`, `Disconnected`, `Disconnecting`, `Did not receive`, `Received disconnect` and the like:
    /// how connections begin and end.
    init(ending bytes: Bytes, isBeforeAuthentication: Bool, isError: Bool) {
        var rest = bytes
        if rest.consume("Connection ") {
            self = .connection(rest, isBeforeAuthentication: isBeforeAuthentication)
        } else if rest.consume("Disconnected from ") {
            self = .ended(rest, reason: "closed_by_client", isBeforeAuthentication: isBeforeAuthentication)
        } else if rest.consume("Disconnecting") {
            self = .disconnecting(rest, isBeforeAuthentication: isBeforeAuthentication)
        } else if rest.consume("Received disconnect from ") {
            self = .receivedDisconnect(rest, isBeforeAuthentication: isBeforeAuthentication, isError: isError)
        } else if rest.consume("Did not receive identification string from ") {
            self = .aborted(rest, reason: "no_identification")
        } else if rest.consume("ROOT LOGIN REFUSED FROM ") {
            guard let endpoint = rest.endpoint() else {
                self = .cut
                return
            }
            self = SSHDMessage(.failure(.notAllowed), reason: "not_allowed", user: Array("root".utf8)[...], client: endpoint.client)
        } else {
            self = .nothing("sshd message without security relevance")
        }
    }

    private static func connection(_ bytes: Bytes, isBeforeAuthentication: Bool) -> SSHDMessage {
        var rest = bytes
        if rest.consume("from ") {
            guard let endpoint = rest.endpoint() else { return cut }
            return SSHDMessage(.connected, reason: "a connection that nothing has come of yet", client: endpoint.client)
        }
        if rest.consume("closed by ") {
            if rest.starts(with: "remote host") { return nothing("the next line names the client") }
            return ended(rest, reason: "closed_by_client", isBeforeAuthentication: isBeforeAuthentication)
        }
        if rest.consume("reset by ") {
            if rest.starts(with: "peer") { return nothing("the next line names the client") }
            return ended(rest, reason: "reset_by_client", isBeforeAuthentication: isBeforeAuthentication)
        }
        return nothing("sshd message without security relevance")
    }

    /// A connection ended: before authentication where sshd says so, or names somebody who was authenticating, or names no user at all.
    private static func ended(_ bytes: Bytes, reason: String, isBeforeAuthentication: Bool) -> SSHDMessage {
        if !isBeforeAuthentication, bytes.starts(with: "user ") { return nothing("a session's connection ended") }
        // OpenSSH before 7.4 writes no port; and then an unnamed end without `[preauth]` may be that of a session.
        var message = aborted(bytes, reason: reason)
        if !isBeforeAuthentication, message.user == nil, message.client?.port == nil, case .aborted = message.meaning {
            message.meaning = .nothing
            message.reason = "an end of which it is not said whether anybody was authenticated"
        }
        return message
    }

    /// `ADDRESS[ port PORT][: …]`, or the same behind `authenticating user USER ` or `invalid user USER `.
    static func aborted(_ bytes: Bytes, reason: String) -> SSHDMessage {
        var rest = bytes
        let wasAuthenticating = rest.consume("authenticating user ") || rest.consume("user ")
        let isInvalid = !wasAuthenticating && rest.consumeInvalidUser()
        guard wasAuthenticating || isInvalid else {
            guard let endpoint = rest.endpoint() else { return cut }
            var message = SSHDMessage(.aborted, reason: reason, client: endpoint.client)
            var note = endpoint.rest
            if note.consume(": ") { message.note = note }
            return message
        }
        // The name may hold anything, so the address is the word before the last ` port `.
        guard let port = rest.lastRange(of: " port ") else { return cut }
        let left = rest[..<port.lowerBound]
        var right = rest[port.upperBound...]
        guard let space = left.lastIndex(of: UInt8(ascii: " ")), let number = right.takeNumber(limit: 5),
            right.isEmpty || right.first == UInt8(ascii: ":"),
            let client = ClientAddress(left[(space + 1)...], port: UInt16(exactly: number))
        else { return cut }
        var message = SSHDMessage(.aborted, reason: reason, user: left[..<space], client: client)
        message.wasAuthenticating = wasAuthenticating
        if right.consume(": ") { message.note = right }
        return message
    }

    /// `Disconnecting[ authenticating user USER ADDRESS port PORT| invalid user …]: REASON`
    private static func disconnecting(_ bytes: Bytes, isBeforeAuthentication: Bool) -> SSHDMessage {
        var rest = bytes
        if let end = rest.firstRange(of: ": Too many authentication failures") {
            var who = rest[end.upperBound...]
            var message = SSHDMessage(.exceeded, user: who.consume(" for ") ? who : nil)
            rest = rest[..<end.lowerBound]
            if rest.consume(" "), case let named = aborted(rest, reason: ""), case .aborted = named.meaning {
                (message.user, message.client) = (named.user, named.client)
            }
            return message
        }
        if let end = rest.firstRange(of: ": Change of username or service not allowed") {
            let note = rest[(end.lowerBound + 2)...]
            rest = rest[..<end.lowerBound]
            guard rest.consume(" ") else { return nothing("the next line names the client") }
            var message = aborted(rest, reason: "change_of_user")
            message.note = note
            return message
        }
        guard isBeforeAuthentication, rest.consume(" ") else { return nothing("sshd message without security relevance") }
        return aborted(rest, reason: "disconnected_by_server")
    }

    /// `Received disconnect from ADDRESS[ port PORT]:CODE: TEXT`; the text is the client's. 11 is the ordinary goodbye (RFC 4253 §11.1).
    private static func receivedDisconnect(_ bytes: Bytes, isBeforeAuthentication: Bool, isError: Bool) -> SSHDMessage {
        guard let endpoint = bytes.endpoint() else { return cut }
        var rest = endpoint.rest
        _ = rest.consume(":")
        rest.skipSpaces()
        let code = rest.takeNumber(limit: 10)
        guard isBeforeAuthentication || isError || (code != nil && code != 11) else { return nothing("a session's connection ended") }
        var message = SSHDMessage(.aborted, reason: code == 14 ? "no_supported_method" : "closed_by_client", client: endpoint.client)
        if rest.consume(": "), !rest.isEmpty { message.note = rest }
        return message
    }
}

extension ArraySlice<UInt8> {
    mutating func consumeInvalidUser() -> Bool { consume("invalid user ") || consume("illegal user ") }

    /// Reads `ADDRESS[ port PORT]` at the front; `rest` is what follows.
    func endpoint() -> (client: ClientAddress, rest: Bytes)? {
        let end = firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") } ?? endIndex
        var address = self[..<end]
        var rest = self[end...]
        if address.last == UInt8(ascii: ":"), !address.ends(with: "::") {
            address.removeLast()
            rest = self[(end - 1)...]
        }
        guard var client = ClientAddress(address) else { return nil }
        var tail = rest
        if tail.consume(" port "), let port = tail.takeNumber(limit: 5) {
            client.port = UInt16(exactly: port)
            rest = tail
        }
        return (client, rest)
    }

    /// Splits `USER from ADDRESS[ port PORT]…` at the first or the last ` from `; nil where no address stands behind it.
    ///
    /// At the last one the name before it may be anybody's invention, and where the line was cut the address may be part of it. So an address
    /// without a port must end what sshd wrote, and no other ` from ` may stand in the name.
    func splitAtFrom(last: Bool) -> (user: Bytes, endpoint: (client: ClientAddress, rest: Bytes))? {
        var rest = self
        guard let place = last ? lastRange(of: " from ") : firstRange(of: " from ") else {
            guard rest.consume("from "), let endpoint = rest.endpoint() else { return nil }
            return (prefix(0), endpoint)
        }
        guard let endpoint = self[place.upperBound...].endpoint() else { return nil }
        let user = self[..<place.lowerBound]
        if last, endpoint.client.port == nil {
            let isWhole = endpoint.rest.isEmpty || endpoint.rest.starts(with: " ssh") || endpoint.rest.starts(with: " via ")
            guard isWhole, !user.contains(" from "), !user.starts(with: "from ") else { return nil }
        }
        return (user, endpoint)
    }
}
