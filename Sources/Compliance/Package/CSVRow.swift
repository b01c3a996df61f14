/// A row of comma-separated values (RFC 4180) that a spreadsheet takes for text.
public enum CSVRow {
    /// Appends the cells, and CR LF.
    public static func append(_ cells: [String?], to out: inout [UInt8]) {
        for (place, text) in cells.enumerated() {
            if place > 0 { out.append(UInt8(ascii: ",")) }
            if let text { append(cell: text, to: &out) }
        }
        out.append(contentsOf: [0x0d, 0x0a])
    }

    /// A cell with a quote, comma or line end is quoted; one that a spreadsheet would take for a formula is `neutralized`.
    public static func append(cell text: String, to out: inout [UInt8]) { append(quoted: neutralized(text), to: &out) }

    /// The cell as it stands: for numbers.
    public static func append(quoted text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            let isQuoted = bytes.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
            if isQuoted { out.append(0x22) }
            for byte in bytes {
                if byte == 0x22 { out.append(0x22) }
                out.append(byte)
            }
            if isQuoted { out.append(0x22) }
        }
    }

    /// The text with an apostrophe before it where it begins as a formula does: `=`, `+`, `-`, `@`, tab, CR.
    public static func neutralized(_ text: String) -> String {
        guard let first = text.utf8.first, "=+-@\t\r".utf8.contains(first) else { return text }
        return "'" + text
    }
}
