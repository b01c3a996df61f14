import CLibpq

/// What libpq understands of a connection string, so that errors can speak of it without giving a password away.
struct ConnectionString {
    let passwords: [String]

    /// Throws `PostgresError` (`.usage`) when libpq cannot read the string.
    init(_ url: String) throws {
        guard !url.utf8.contains(0) else { throw PostgresError(.usage, "the database URL holds a NUL character") }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            let reason = message.map { String(cString: $0) } ?? ""
            PQfreemem(message)
            // libpq quotes the part it does not understand, which may be all of the string.
            throw PostgresError(.usage, "the database URL cannot be read: \(PostgresError.trimmed(Self.withoutQuotations(reason)))")
        }
        defer { PQconninfoFree(options) }
        var passwords: [String] = []
        var option = options
        while let keyword = option.pointee.keyword {
            if ["password", "sslpassword"].contains(String(cString: keyword)), let value = option.pointee.val {
                passwords.append(String(cString: value))
            }
            option += 1
        }
        self.passwords = passwords.filter { !$0.isEmpty }
    }

    /// The failure to connect that libpq's message tells of, in its verbose form with the SQLSTATE in it.
    func error(_ message: String) -> PostgresError {
        var text = message
        for password in passwords {
            text = Self.replacing(password, in: text)
        }
        // A password with an unescaped '@' ends up in the host's name.
        if let host = text.utf8.firstIndex(of: UInt8(ascii: "@")), text[..<host].utf8.contains(UInt8(ascii: "\"")) {
            text = Self.withoutQuotations(text)
        }
        let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("LOCATION:") }
        var sqlState: String?
        let cleaned = lines.map { line -> String in
            guard let (state, rest) = Self.sqlState(in: line) else { return PostgresError.trimmed(line) }
            sqlState = state
            return PostgresError.trimmed(rest)
        }
        return PostgresError(.connection, sqlState: sqlState, cleaned.joined(separator: "; "))
    }

    /// Cuts `FATAL:  28P01: …` at the SQLSTATE.
    private static func sqlState(in line: String) -> (String, String)? {
        let bytes = Array(line.utf8)
        func isStateByte(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        guard bytes.count > 10 else { return nil }
        for start in 3..<(bytes.count - 6)
        where bytes[start - 3] == UInt8(ascii: ":") && bytes[start - 2] == UInt8(ascii: " ") && bytes[start - 1] == UInt8(ascii: " ")
            && bytes[start..<start + 5].allSatisfy(isStateByte) && bytes[start + 5] == UInt8(ascii: ":")
        {
            let state = String(decoding: bytes[start..<start + 5], as: UTF8.self)
            let rest = bytes[..<(start - 1)] + bytes[min(start + 7, bytes.count)...]
            return (state, String(decoding: rest, as: UTF8.self))
        }
        return nil
    }

    private static func withoutQuotations(_ text: String) -> String {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text }
        return parts.enumerated().map { $0.offset.isMultiple(of: 2) ? String($0.element) : "…" }.joined(separator: "\"")
    }

    static func replacing(_ secret: String, in text: String) -> String {
        let needle = Array(secret.utf8)
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: needle) {
                kept += Array("…".utf8)
                index += needle.count
            } else {
                kept.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}

extension PostgresError {
    /// A message of libpq without the line feed at its end.
    static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.utf8.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: " ") { text.removeLast() }
        return String(text)
    }
}
