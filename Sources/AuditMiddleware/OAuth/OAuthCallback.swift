import AuditEvents

/// What a browser brings back from the provider, judged against the flow that it began. Pure.
struct OAuthCallback: Sendable {
    private let query: FormFields

    /// - Throws: `.malformed` beyond 8 KiB or 32 parameters, for one that comes twice, and for what cannot be decoded.
    init(query: String) throws(OAuthFailure) {
        guard let fields = try? FormFields(query.utf8, maximumBytes: 8192, maximumCount: 32), !fields.hasRepeatedName else {
            throw .malformed
        }
        self.query = fields
    }

    /// Whether it answers `flow`: the same provider, in time, with its state.
    func check(_ flow: OAuthFlow, provider: OAuthProvider, at now: Timestamp) throws(OAuthFailure) {
        guard flow.provider.utf8.elementsEqual(provider.name.utf8) else { throw .providerMismatch }
        guard now < flow.expires else { throw .stateExpired }
        guard let state = query["state"], Secret.equal(Array(state.utf8), Array(flow.state.utf8)) else { throw .stateMismatch }
    }

    /// The code, once the state is right.
    func code(_ provider: OAuthProvider, sendsIssuer: Bool) throws(OAuthFailure) -> String {
        if let issuer = query["iss"] {
            // One without a known identifier cannot be told from others by it.
            guard let expected = provider.issuer, issuer.utf8.elementsEqual(expected.utf8) else { throw .issuerMismatch }
        } else if provider.requiresIssuer || sendsIssuer {
            throw .issuerMismatch
        }
        if let error = query["error"] { throw .provider(error) }
        guard let code = query["code"], (1...2048).contains(code.utf8.count), code.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw .malformed
        }
        return code
    }
}
