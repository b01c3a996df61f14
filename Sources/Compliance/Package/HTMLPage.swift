/// A page without script and without anything from elsewhere; every text is escaped.
struct HTMLPage {
    private var body = ""
    private let title: String

    init(title: String) { self.title = title }

    var text: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTMLText.escaped(title))</title>
        <style>
        :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d0d7de; --bar: #2f6feb; --soft: #57606a; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #30363d; --bar: #6ea8fe; --soft: #9198a1; } }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
        table { border-collapse: collapse; width: 100%; margin: .5rem 0; } th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
        th { color: var(--soft); font-weight: 600; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg rect { fill: var(--bar); }
        @media print { :root { --ink: #000; --paper: #fff; --line: #bbb; --bar: #444; --soft: #333; } body { margin: 0; max-width: none; font-size: 10pt; } h2, table, svg { break-inside: avoid; } }
        </style>
        </head>
        <body>
        \(body)</body>
        </html>

        """
    }

    mutating func heading(_ text: String, level: Int = 1) { body += "<h\(level)>\(HTMLText.escaped(text))</h\(level)>\n" }
    mutating func paragraph(_ text: String) { body += "<p>\(HTMLText.escaped(text))</p>\n" }

    mutating func table(_ titles: [String], _ rows: [[String]]) {
        body += "<table>\n"
        if titles.contains(where: { !$0.isEmpty }) {
            body += "<thead><tr>" + titles.map { "<th scope=\"col\">\(HTMLText.escaped($0))</th>" }.joined() + "</tr></thead>\n"
        }
        body += "<tbody>\n"
        for row in rows { body += "<tr>" + row.map { "<td>\(HTMLText.escaped($0))</td>" }.joined() + "</tr>\n" }
        body += "</tbody></table>\n"
    }

    /// Horizontal bars, at most `limit`; the last ones of more.
    mutating func bars(_ values: [(name: String, value: Int)], limit: Int) {
        let shown = values.suffix(limit)
        guard let largest = shown.map(\.value).max(), largest > 0 else { return paragraph("None.") }
        let height = shown.count * 20
        body +=
            "<svg role=\"img\" viewBox=\"0 0 720 \(height)\" width=\"100%\" xmlns=\"http://www.w3.org/2000/svg\"><title>\(shown.count) counts, the largest \(largest)</title>\n"
        for (place, one) in shown.enumerated() {
            let width = max(1, one.value * 420 / largest)
            let name = one.name.count > 28 ? String(one.name.prefix(27)) + "…" : one.name
            body += "<text x=\"0\" y=\"\(place * 20 + 14)\">\(HTMLText.escaped(name))</text>"
            body += "<rect x=\"200\" y=\"\(place * 20 + 4)\" width=\"\(width)\" height=\"12\"/>"
            body += "<text x=\"\(206 + width)\" y=\"\(place * 20 + 14)\">\(one.value)</text>\n"
        }
        body += "</svg>\n"
    }
}
