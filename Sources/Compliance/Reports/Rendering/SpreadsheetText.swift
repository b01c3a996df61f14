/// Text that a spreadsheet takes for text.
enum SpreadsheetText {
    /// The text with an apostrophe before it where a spreadsheet would take it for a formula.
    static func neutralized(_ text: String) -> String {
        guard let first = text.utf8.first, "=+-@\t\r".utf8.contains(first), Double(text) == nil else { return text }
        return "'" + text
    }
}
