/// A sign-in by tokens as it is stored: one row for all the refresh tokens that follow one another.
///
/// A refresh token has two halves: one that all tokens of the family share and one that changes. So a spent token is known however old it is,
/// and a family takes the same space after a thousand rotations.
public struct StoredTokenFamily: Sendable, Hashable {
    /// The `sid` of its access tokens.
    public var id: String
    /// The hash of the half that stays.
    public var lineage: SecretHash
    /// The hashes of the changing halves that are good now: one, or several after a double submit within the grace.
    public var current: [SecretHash]
    /// The half that was exchanged last.
    public var previous: SecretHash?
    public var rotated: Timestamp
    /// Grows by one with every change; what compare-and-set compares.
    public var generation: Int64
    public var principal: StoredPrincipal
    public var created: Timestamp
    /// When it ends unless it is refreshed before.
    public var expires: Timestamp
    /// When it ends in any case.
    public var deadline: Timestamp
    public var ended: Timestamp?
    public var endReason: String?

    public init(
        id: String, lineage: SecretHash, current: SecretHash, principal: StoredPrincipal, created: Timestamp, expires: Timestamp,
        deadline: Timestamp
    ) {
        (self.id, self.lineage, self.current, self.principal) = (id, lineage, [current], principal)
        (self.created, self.rotated, self.generation) = (created, created, 0)
        (self.expires, self.deadline) = (expires, deadline)
    }

    /// What a presented token of the family is.
    public enum Presentation: Sendable, Hashable {
        case current
        /// Exchanged a moment ago, within the grace.
        case again
        /// Exchanged before: somebody else has it too.
        case spent
        /// The current token of a family that was ended.
        case ended
        case expired
    }

    /// How many tokens may be good at once within the grace.
    public static let maximumCurrent = 4

    /// Judges the changing half of a presented token.
    public func judge(_ half: SecretHash, at time: Timestamp, graceSeconds: Int64) -> Presentation {
        if expires <= time { return .expired }
        if current.contains(half) { return ended == nil ? .current : .ended }
        let isRecent = time < rotated.advanced(bySeconds: graceSeconds)
        return ended == nil && half == previous && isRecent && current.count < Self.maximumCurrent ? .again : .spent
    }

    /// The family after one of its good tokens was exchanged for `next`.
    public func rotated(from half: SecretHash, to next: SecretHash, at time: Timestamp, expires: Timestamp) -> StoredTokenFamily {
        var family = self
        if current.contains(half) {
            (family.current, family.previous, family.rotated) = ([next], half, time)
        } else {
            // The grace runs from the first exchange on, or it could be drawn out for ever.
            family.current.append(next)
        }
        family.generation += 1
        family.expires = min(expires, deadline)
        return family
    }
}
