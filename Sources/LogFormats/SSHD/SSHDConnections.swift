import AuditEvents

/// What the lines of a log have told of connections that are not over: which login attempt a further line still belongs to.
///
/// One failed login is written by several hands: `Invalid user x`, then a module of PAM, then `error: PAM: …`, then `Failed password for invalid
/// user x`. The first of them is the event. A further line belongs to the same attempt when it is of another kind and names the same connection,
/// account and address; a line of a kind already seen begins the next attempt. PAM may run in a process of its own for each attempt
/// (keyboard-interactive), so its lines are matched by address too, within ten seconds.
struct SSHDConnections: Sendable {
    struct Key: Hashable, Sendable {
        var host: UInt64
        /// The process, or a hash of the address where the log has no process ids.
        var process: UInt64
    }

    struct Connection: Sendable {
        fileprivate var attempt: Attempt?
        fileprivate(set) var client: ClientAddress?
        fileprivate(set) var failures = 0
        fileprivate(set) var keysRefused = 0
        fileprivate var ended: ClientAddress?
        fileprivate var last: Timestamp
    }

    fileprivate struct Attempt: Sendable {
        var user: UInt64?
        var client: ClientAddress
        var evidence: SSHDMessage.Evidence
        var time: Timestamp

        /// A line that brings the address where those before had only a host name is no further line of the attempt: rules group by address.
        func isOf(_ user: UInt64?, _ client: ClientAddress?) -> Bool {
            if self.client.ip == nil, client?.ip != nil { return false }
            return (self.user == nil || user == nil || self.user == user) && (client.map { Self.agree(self.client, $0) } ?? true)
        }

        /// Whether two lines may mean the same client: PAM may know it by name where sshd knows its address, and without the port.
        static func agree(_ a: ClientAddress, _ b: ClientAddress) -> Bool {
            if let a = a.port, let b = b.port, a != b { return false }
            if let a = a.ip, let b = b.ip { return a == b }
            if let a = a.host, let b = b.host { return a == b }
            return true
        }
    }

    private struct AddressKey: Hashable, Sendable {
        var host: UInt64
        var address: String
    }

    /// sshd lets nobody take longer to log in, unless its configuration does.
    private static let lifetime: Int64 = 600_000_000
    private static let pamDelay: Int64 = 10_000_000

    private var connections = RecentMap<Key, Connection>(capacity: 4096)
    /// The connection of the latest attempt from an address.
    private var latest = RecentMap<AddressKey, Key>(capacity: 4096)

    /// The connection as it is known, whatever its age.
    subscript(key: Key) -> Connection? { connections[key] }

    /// Takes note of a line that tells of `count` failed logins; gives how many of them are new.
    mutating func fail(
        _ key: Key, at time: Timestamp, user: UInt64?, client: ClientAddress, evidence: SSHDMessage.Evidence, count: Int
    ) -> Int {
        var connection = current(key, at: time, client: client)
        defer { connections[key] = connection }
        connection.last = time
        if connection.client?.ip == nil { connection.client = client }
        let isKnown = continueAttempt(&connection, key, at: time, user: user, client: client, evidence: evidence)
        if isKnown, evidence == .failedKey { return 0 }
        let new = isKnown ? count - 1 : count
        if new > 0 {
            connection.attempt = Attempt(user: user, client: client, evidence: evidence, time: time)
            connection.failures += new
            if let address = client.ip ?? client.host { latest[AddressKey(host: key.host, address: address)] = key }
        }
        return new
    }

    /// Whether the line belongs to an attempt that was told of before; enters it there.
    private mutating func continueAttempt(
        _ connection: inout Connection, _ key: Key, at time: Timestamp, user: UInt64?, client: ClientAddress,
        evidence: SSHDMessage.Evidence
    ) -> Bool {
        if var attempt = connection.attempt, attempt.isOf(user, client),
            evidence == .failedKey || attempt.evidence.isDisjoint(with: evidence)
        {
            attempt.evidence.insert(evidence)
            attempt.user = attempt.user ?? user
            if attempt.client.port == nil { attempt.client.port = client.port }
            connection.attempt = attempt
            return true
        }
        guard let address = client.ip ?? client.host, let other = latest[AddressKey(host: key.host, address: address)], other != key,
            var owner = connections[other], var attempt = owner.attempt, attempt.isOf(user, client),
            attempt.evidence.isDisjoint(with: evidence), abs(time.microseconds(since: attempt.time)) <= Self.pamDelay
        else { return false }
        // Only between PAM's own process and sshd's: two of sshd's are two connections.
        let isOfPAM = evidence.isSubset(of: .pam)
        guard isOfPAM != attempt.evidence.isSubset(of: .pam) else { return false }
        attempt.evidence.insert(evidence)
        attempt.user = attempt.user ?? user
        owner.attempt = attempt
        connections[other] = owner
        if !isOfPAM {
            connection.attempt = attempt
            connection.failures += 1
            latest[AddressKey(host: key.host, address: address)] = key
        }
        return true
    }

    /// Of `count` failures beside the first that PAM counted in a connection, those that no line told of.
    mutating func failFurther(_ key: Key, at time: Timestamp, client: ClientAddress, count: Int) -> Int {
        guard var connection = connections[key], abs(time.microseconds(since: connection.last)) <= Self.lifetime,
            connection.failures > 0, connection.attempt.map({ Attempt.agree($0.client, client) }) ?? true
        else { return count }
        let new = max(0, count + 1 - connection.failures)
        connection.failures += new
        connections[key] = connection
        return new
    }

    /// Takes note of a key that was not accepted.
    mutating func refuseKey(_ key: Key, at time: Timestamp, client: ClientAddress?) {
        var connection = current(key, at: time, client: client)
        connection.keysRefused += 1
        (connection.client, connection.last) = (client ?? connection.client, time)
        connections[key] = connection
    }

    /// Takes note that a connection began.
    mutating func begin(_ key: Key, at time: Timestamp, client: ClientAddress?) {
        connections[key] = Connection(client: client, last: time)
    }

    /// Takes note that somebody was authenticated.
    mutating func accept(_ key: Key, at time: Timestamp, client: ClientAddress?) {
        var connection = current(key, at: time, client: client)
        connection.attempt = nil
        (connection.client, connection.last) = (client ?? connection.client, time)
        connections[key] = connection
    }

    /// Takes note that sshd or the client ended a connection; false where a line has said so already.
    mutating func end(_ key: Key, at time: Timestamp, client: ClientAddress?) -> Bool {
        var connection = connections[key] ?? Connection(last: time)
        let isRecent = abs(time.microseconds(since: connection.last)) <= Self.lifetime
        if isRecent, let ended = connection.ended, client.map({ Attempt.agree(ended, $0) }) ?? true { return false }
        if !isRecent || !(client.flatMap { c in connection.client.map { Attempt.agree($0, c) } } ?? true) {
            connection = Connection(last: time)
        }
        guard let client = client ?? connection.client else { return true }
        if connection.client == nil { connection.client = client }
        connection.ended = client
        connection.last = time
        connections[key] = connection
        return true
    }

    /// The connection that a line belongs to: a new one where the process id was that of another client, of an ended connection, or long ago.
    private func current(_ key: Key, at time: Timestamp, client: ClientAddress?) -> Connection {
        guard let known = connections[key], known.ended == nil, abs(time.microseconds(since: known.last)) <= Self.lifetime,
            client.flatMap({ c in known.client.map { Attempt.agree($0, c) } }) ?? true
        else { return Connection(last: time) }
        return known
    }
}
