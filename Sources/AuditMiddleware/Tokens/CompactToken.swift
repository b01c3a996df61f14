import AuditEvents

/// A JWS in compact serialization (RFC 7515 §7.1), taken apart and not yet believed.
struct CompactToken {
    private let text: [UInt8]
    private let firstDot: Int
    private let secondDot: Int

    init(_ token: some StringProtocol, maximumBytes: Int) throws(TokenRejection) {
        let bytes = token.utf8
        guard bytes.count <= maximumBytes else { throw TokenRejection(.tooLarge) }
        // At once: a substring's own iteration goes byte by byte.
        text = bytes.withContiguousStorageIfAvailable { Array($0) } ?? Array(bytes)
        let dot = UInt8(ascii: ".")
        guard let first = text.firstIndex(of: dot), let second = text[(first + 1)...].firstIndex(of: dot),
            !text[(second + 1)...].contains(dot)
        else { throw TokenRejection(.malformed) }
        (firstDot, secondDot) = (first, second)
    }

    /// The header as it stands, still encoded.
    var encodedHeader: ArraySlice<UInt8> { text[..<firstDot] }
    /// What the signature is over.
    var signed: ArraySlice<UInt8> { text[..<secondDot] }
    var payload: [UInt8]? { Base64URL.decode(text[(firstDot + 1)..<secondDot]) }
    var signature: [UInt8]? { Base64URL.decode(text[(secondDot + 1)...]) }
}

/// The header of a token: what it says, before anything of it is believed.
struct TokenHeader: Sendable {
    let object: JSONObject
    let algorithm: String
    let keyID: String?
    /// `typ` in lower case, without `application/` (RFC 7515 §4.1.9).
    let type: String?

    /// - Throws: `.malformed` where it is no object of the right members, `.algorithmNone`, `.unsupportedExtension`.
    init(encoded: ArraySlice<UInt8>) throws(TokenRejection) {
        guard let bytes = Base64URL.decode(encoded), let object = (try? JSONValue(parsing: bytes, maximumDepth: 8))?.object,
            let algorithm = object["alg"]?.string
        else { throw TokenRejection(.malformed) }
        let named = RequestFacts.bounded(algorithm, to: 16)
        switch object["kid"] {
        case .none: keyID = nil
        case .string(let id): keyID = id
        default: throw TokenRejection(.malformed, algorithm: named)
        }
        let id = keyID.map { RequestFacts.bounded($0, to: 64) }
        guard algorithm.lowercased() != "none" else { throw TokenRejection(.algorithmNone, keyID: id, algorithm: named) }
        guard object["crit"] == nil, object["b64"] == nil else {
            throw TokenRejection(.unsupportedExtension, keyID: id, algorithm: named)
        }
        switch object["typ"] {
        case .none: type = nil
        case .string(let text): type = Self.shortType(text)
        default: throw TokenRejection(.malformed, keyID: id, algorithm: named)
        }
        (self.object, self.algorithm) = (object, algorithm)
    }

    func rejection(_ reason: TokenRejection.Reason) -> TokenRejection {
        TokenRejection(
            reason, keyID: keyID.map { RequestFacts.bounded($0, to: 64) }, algorithm: RequestFacts.bounded(algorithm, to: 16))
    }

    static func shortType(_ type: String) -> String {
        let type = type.lowercased()
        return type.hasPrefix("application/") ? String(type.dropFirst("application/".count)) : type
    }
}
