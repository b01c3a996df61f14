/// A text and signatures of it (C2SP signed-note). Read byte by byte: a carriage return is no line end here.
public struct SignedNote: Sendable, Hashable {
    public struct Signature: Sendable, Hashable {
        /// The key's name.
        public var name: String
        public var keyID: [UInt8]
        /// What the key's algorithm makes of the text.
        public var bytes: [UInt8]

        public init(name: String, keyID: [UInt8], bytes: [UInt8]) { (self.name, self.keyID, self.bytes) = (name, keyID, bytes) }
    }

    /// Ends with a line feed.
    public var text: String
    public var signatures: [Signature]

    public static let maximumBytes = 1 << 20
    public static let maximumSignatures = 100

    public init(text: String, signatures: [Signature] = []) { (self.text, self.signatures) = (text, signatures) }

    /// - Throws: `NoteError` with `.malformed`.
    public init(_ bytes: some Collection<UInt8>) throws(NoteError) {
        let bytes = Array(bytes)
        guard bytes.count <= SignedNote.maximumBytes else {
            throw NoteError(.malformed, "a note of more than \(SignedNote.maximumBytes) bytes")
        }
        guard String(validating: bytes, as: UTF8.self) != nil, bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }) else {
            throw NoteError(.malformed, "a note that is not UTF-8, or holds control characters")
        }
        guard bytes.last == 0x0a, let blank = bytes.indices.dropLast().last(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a }) else {
            throw NoteError(.malformed, "a note without an empty line before its signatures")
        }
        text = String(decoding: bytes[...blank], as: UTF8.self)
        var found: [Signature] = []
        let lines = bytes[(blank + 2)...].split(separator: 0x0a, omittingEmptySubsequences: false).dropLast()
        guard !lines.isEmpty else { throw NoteError(.malformed, "a note without signatures") }
        guard lines.count <= SignedNote.maximumSignatures else {
            throw NoteError(.malformed, "a note with more than \(SignedNote.maximumSignatures) signatures")
        }
        for line in lines {
            guard let signature = Signature(line: line) else { throw NoteError(.malformed, "a signature line that is none") }
            found.append(signature)
        }
        signatures = found
    }

    public var bytes: [UInt8] { Array((text + "\n" + signatures.map { $0.line + "\n" }.joined()).utf8) }

    /// The signatures of these keys, all of which hold; those of other keys are left out.
    ///
    /// - Throws: `NoteError`: `.wrongSignature` where one of a known key does not hold, `.unverified` where no known key signed.
    public func verified(by keys: [NoteVerifier]) throws(NoteError) -> [(key: NoteVerifier, signature: Signature)] {
        var found: [(key: NoteVerifier, signature: Signature)] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.id == signature.keyID && $0.name.utf8.elementsEqual(signature.name.utf8) }) else {
                continue
            }
            guard key.verifies(signature.bytes, of: text) else {
                throw NoteError(.wrongSignature, "the signature of \(key.name) does not hold")
            }
            if !found.contains(where: { $0.key == key }) { found.append((key, signature)) }
        }
        guard !found.isEmpty else { throw NoteError(.unverified, "no known key signed the note") }
        return found
    }
}

extension SignedNote.Signature {
    /// `— NAME BASE64`, the dash being U+2014.
    var line: String { "\u{2014} \(name) \(Base64.encode(keyID + bytes))" }

    fileprivate init?(line: ArraySlice<UInt8>) {
        guard line.starts(with: "\u{2014} ".utf8) else { return nil }
        let parts = line.dropFirst(4).split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, NoteVerifier.isName(parts[0]), let bytes = Base64.decode(String(decoding: parts[1], as: UTF8.self)),
            bytes.count >= 5
        else { return nil }
        self.init(name: String(decoding: parts[0], as: UTF8.self), keyID: Array(bytes[..<4]), bytes: Array(bytes[4...]))
    }
}

/// What is wrong with a note, a key, a checkpoint or a proof.
public struct NoteError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        let name: String
        /// Not of the form that its specification has.
        public static let malformed = Code(name: "malformed")
        /// A signature of a known key does not hold.
        public static let wrongSignature = Code(name: "wrong_signature")
        /// No known key signed.
        public static let unverified = Code(name: "unverified")
    }

    public var code: Code
    public var message: String
    public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
    public var description: String { message }
}
