/// What a new password must be, after NIST SP 800-63B-4 §3.1.1.2: long enough, and not among the first that a guesser tries. Which characters
/// it is made of does not matter.
public struct PasswordPolicy: Sendable {
    /// Why a password is not taken: a code for the event, and what the person is told.
    public struct Violation: Error, Sendable, Hashable {
        public let code: String
        public let detail: String
    }

    /// In code points.
    public let minimumLength: Int
    /// In bytes of UTF-8.
    public let maximumBytes: Int
    private let common: CommonPasswords
    private let contextWords: [String]

    /// - Parameters:
    ///   - minimumLength: 15 where the password is the only factor, 8 where it is one of two (the least that is taken).
    ///   - maximumBytes: at least 256, at most 1024.
    ///   - contextWords: the service's name and the like: a password is not to be made of them.
    public init(
        minimumLength: Int = 15, maximumBytes: Int = 1024, common: CommonPasswords = .builtIn, contextWords: [String] = []
    ) {
        self.minimumLength = min(max(minimumLength, 8), 64)
        self.maximumBytes = min(max(maximumBytes, 256), 1024)
        self.common = common
        self.contextWords = contextWords
    }

    /// Why `password` is not taken for the account of that name; nil where it is.
    public func violation(of password: String, username: String) -> Violation? {
        // The bound comes first: what is beyond it is not worth normalising.
        guard password.utf8.count <= maximumBytes else {
            return Violation(code: "too_long", detail: "The password is longer than \(maximumBytes) bytes.")
        }
        let text = PasswordText.normalized(password)
        guard text.utf8.count <= maximumBytes else {
            return Violation(code: "too_long", detail: "The password is longer than \(maximumBytes) bytes.")
        }
        guard text.unicodeScalars.count >= minimumLength else {
            return Violation(code: "too_short", detail: "The password has fewer than \(minimumLength) characters.")
        }
        guard text.unicodeScalars.allSatisfy({ Self.isTypeable($0) }) else {
            return Violation(code: "not_text", detail: "The password contains characters that cannot be typed.")
        }
        let folded = PasswordText.folded(text)
        if common.contains(text) || Self.isMonotonous(folded) {
            return Violation(code: "common", detail: "The password is among those that are guessed first.")
        }
        if Self.isMade(folded, of: contextWords + [username] + username.split { $0 == "@" || $0 == "." }.map(String.init)) {
            return Violation(code: "contextual", detail: "The password is made of the name of the account or of the service.")
        }
        return nil
    }

    private static func isTypeable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .unassigned, .surrogate, .lineSeparator, .paragraphSeparator: false
        default: scalar != "\u{FFFD}" && scalar != "\u{FEFF}"
        }
    }

    /// One character, two in turn, or a run of neighbours: aaaaaaaa, abababab, 12345678, zyxwvuts.
    private static func isMonotonous(_ text: String) -> Bool {
        let values = text.unicodeScalars.map { Int64($0.value) }
        if Set(values).count < 3 { return true }
        let steps = zip(values.dropFirst(), values).map { $0 - $1 }
        return steps.allSatisfy { $0 == 1 } || steps.allSatisfy { $0 == -1 }
    }

    /// Whether fewer than eight characters are left when the words are taken out.
    private static func isMade(_ folded: String, of words: [String]) -> Bool {
        var rest = folded.unicodeScalars.map(\.value)
        for word in words.sorted(by: { $0.utf8.count > $1.utf8.count }) {
            let word = PasswordText.folded(word).unicodeScalars.map(\.value)
            guard (3...64).contains(word.count), rest.count >= word.count else { continue }
            var kept: [UInt32] = []
            var place = 0
            while place < rest.count {
                if place + word.count <= rest.count, rest[place..<place + word.count].elementsEqual(word) {
                    place += word.count
                } else {
                    kept.append(rest[place])
                    place += 1
                }
            }
            rest = kept
        }
        return rest.count < 8
    }
}
