/// A session as it is stored.
public struct StoredSession: Sendable, Hashable {
    /// The hash of the id that the client holds.
    public var id: SecretHash
    /// Names the session to its owner and in events (as a fingerprint); stays when the id is renewed, and opens nothing.
    public var handle: String
    public var principal: StoredPrincipal
    public var created: Timestamp
    /// When it was last used, to within `touchSeconds` of the middleware.
    public var seen: Timestamp
    /// How long it lives without being used.
    public var idleSeconds: Int64
    /// When it ends however much it is used.
    public var expires: Timestamp
    public var ended: Timestamp?
    public var endReason: String?
    /// How long the row is kept, so that a use after the end is told from an id that never was.
    public var keepUntil: Timestamp
    /// From where it was begun, for its owner's list.
    public var clientIP: String?
    public var userAgent: String?

    public init(
        id: SecretHash, handle: String, principal: StoredPrincipal, created: Timestamp, idleSeconds: Int64, expires: Timestamp,
        keepUntil: Timestamp, clientIP: String? = nil, userAgent: String? = nil
    ) {
        (self.id, self.handle, self.principal, self.created, self.seen) = (id, handle, principal, created, created)
        (self.idleSeconds, self.expires, self.keepUntil) = (idleSeconds, expires, keepUntil)
        (self.clientIP, self.userAgent) = (clientIP, userAgent)
    }

    /// What a session is at a moment.
    public enum State: Sendable, Hashable {
        case live
        /// Not used for too long.
        case idle
        /// Its absolute end has come.
        case expired
        /// It was ended, or its expiry has been noticed before.
        case ended
    }

    public func state(at time: Timestamp) -> State {
        if ended != nil { return .ended }
        if expires <= time { return .expired }
        return seen.advanced(bySeconds: idleSeconds) <= time ? .idle : .live
    }
}

/// Which of an account's sessions or families are meant.
public enum SessionSelection: Sendable, Hashable {
    case all
    case one(String)
    case allBut(String)
}
