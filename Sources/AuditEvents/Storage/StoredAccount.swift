/// A person's account as a store keeps it. Nothing in it lets anybody in: the password is hashed, the second factor sealed.
public struct StoredAccount: Sendable, Hashable {
    /// Never used again for another account, also when this one is deleted.
    public var id: String
    /// In the one form that `Username` of the middleware gives it; unique by its bytes.
    public var username: String
    /// With its parameters, in PHC string format.
    public var passwordHash: String
    public var roles: [String]
    public var secondFactor: StoredSecondFactor?
    public var created: Timestamp
    public var passwordChanged: Timestamp
    /// Since when nobody may sign in; nil for an account in use.
    public var disabled: Timestamp?

    public init(
        id: String, username: String, passwordHash: String, roles: [String] = [], secondFactor: StoredSecondFactor? = nil,
        created: Timestamp, passwordChanged: Timestamp? = nil, disabled: Timestamp? = nil
    ) {
        (self.id, self.username, self.passwordHash, self.roles) = (id, username, passwordHash, roles)
        (self.secondFactor, self.created, self.disabled) = (secondFactor, created, disabled)
        self.passwordChanged = passwordChanged ?? created
    }
}

/// The second factor of an account: one-time codes, and recovery codes for the day that the device is lost.
public struct StoredSecondFactor: Sendable, Hashable {
    /// The secret with its parameters, sealed for this account alone.
    public var sealed: [UInt8]
    /// The time step of the last code that was used (RFC 6238 §5.2): neither it nor an earlier one is accepted again.
    public var lastCounter: Int64
    /// Keyed hashes, 32 bytes each, of the recovery codes that are left.
    public var recoveryCodes: [[UInt8]]

    public init(sealed: [UInt8], lastCounter: Int64 = -1, recoveryCodes: [[UInt8]] = []) {
        (self.sealed, self.lastCounter, self.recoveryCodes) = (sealed, lastCounter, recoveryCodes)
    }
}
