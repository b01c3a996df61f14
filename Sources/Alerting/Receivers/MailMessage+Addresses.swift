extension MailMessage {
    /// What is wrong with an address that is to be written to; nil where nothing is.
    ///
    /// Good is `LOCAL@DOMAIN` of RFC 5321 §4.1.2 with a dot-string before the at sign and a name of letters, digits and hyphens after it: neither quoted
    /// local parts nor address literals nor anything outside of ASCII, so that an address is the same in a command and in a header.
    public static func fault(inAddress address: String) -> String? {
        let bytes = Array(address.utf8)
        guard bytes.allSatisfy({ (33...126).contains($0) }) else {
            return "a mail address is ASCII without blanks and control characters (a domain of other letters is written xn--…)"
        }
        let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return "a mail address has exactly one @" }
        guard (1...64).contains(parts[0].count), bytes.count <= 254 else {
            return "a mail address has 1 to 64 characters before the @, and at most 254"
        }
        guard parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }) else {
            return "a mail address has no dot at its beginning, before the @ or beside another"
        }
        guard parts[0].allSatisfy({ $0 == UInt8(ascii: ".") || isAtomText($0) }) else {
            return "a mail address has no quotes, brackets, commas, colons and backslashes"
        }
        return isDomain(Array(parts[1])) ? nil : "a mail address has a name of letters, digits, hyphens and dots after the @"
    }

    /// RFC 5321 §4.1.2 with the lengths of RFC 1035.
    static func isDomain(_ name: [UInt8]) -> Bool {
        guard (1...253).contains(name.count) else { return false }
        return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard label.count <= 63, let first = label.first, let last = label.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last) && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    /// `atext` of RFC 5322 §3.2.3.
    private static func isAtomText(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte) }
}
