import AuditEvents

/// A report as one HTML file: no script, nothing from elsewhere, charts as inline SVG, readable in light, dark and print.
public enum ReportHTML {
    public static func render(_ report: Report) -> [UInt8] {
        var page = ReportHTML.head(report)
        page += contents(report)
        for section in report.sections { page += html(section, report.framework) }
        page += "<section aria-labelledby=\"limits\">\n<h2 id=\"limits\">What this report cannot evidence</h2>\n" + list(Report.limits)
        page += "</section>\n</main>\n</body>\n</html>\n"
        return Array(page.utf8)
    }

    private static func head(_ report: Report) -> String {
        let period = report.period
        let tenants = period.tenants.isEmpty ? "all" : period.tenants.joined(separator: ", ")
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="color-scheme" content="light dark">
            <title>\(escaped(report.framework.title)): evidence from the record</title>
            <style>
            \(style)
            </style>
            </head>
            <body>
            <header>
            <h1>\(escaped(report.framework.title))</h1>
            <p>Evidence from the security record kept by Cardea.</p>
            <dl>
            <div><dt>From</dt><dd>\(escaped(period.since.description))</dd></div>
            <div><dt>To, included</dt><dd>\(escaped(period.until.description))</dd></div>
            <div><dt>Days counted in</dt><dd>\(escaped(period.zone))</dd></div>
            <div><dt>Tenants</dt><dd>\(escaped(tenants))</dd></div>
            </dl>
            </header>
            <main>

            """
    }

    private static func contents(_ report: Report) -> String {
        var out = "<nav aria-label=\"Sections\">\n<table>\n<caption>Sections</caption>\n<thead><tr><th scope=\"col\">Section</th>"
        out +=
            "<th scope=\"col\">Controls</th><th scope=\"col\" class=\"n\">Counted</th><th scope=\"col\" class=\"n\">Exceptions</th></tr></thead>\n<tbody>\n"
        for section in report.sections {
            let exceptions = section.exceptions.reduce(0) { $0 + $1.total }
            out += "<tr><th scope=\"row\"><a href=\"#\(section.topic.id)\">\(section.topic.id) \(escaped(section.topic.title))</a></th>"
            out += "<td>\(controls(section, report.framework))</td><td class=\"n\">\(section.count)</td>"
            out += "<td class=\"n\">\(exceptions)</td></tr>\n"
        }
        return out + "</tbody>\n</table>\n</nav>\n"
    }

    private static func html(_ section: ReportSection, _ framework: ReportFramework) -> String {
        let id = section.topic.id
        var out = "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(id) \(escaped(section.topic.title))</h2>\n"
        out += "<p class=\"controls\">\(escaped(framework.title)): \(controls(section, framework))</p>\n"
        out += "<p>\(escaped(section.population)) Counted: <strong>\(section.count)</strong>.</p>\n"
        if let criterion = section.criterion {
            out += "<p class=\"\(criterion.isMet ? "met" : "unmet")\"><strong>\(criterion.isMet ? "Holds" : "Does not hold"):</strong> "
            out += "\(escaped(criterion.text))</p>\n"
        }
        for chart in section.charts where !chart.bars.isEmpty { out += ReportSVG.bars(chart) }
        for table in section.tables { out += html(table, note: nil) }
        for exceptions in section.exceptions {
            let listed = exceptions.table.rows.count
            let note =
                exceptions.total == 0
                ? "none" : "\(exceptions.total) in all" + (Int64(listed) < exceptions.total ? ", the first \(listed)" : "")
            out += html(exceptions.table, note: note)
        }
        if !section.limits.isEmpty { out += "<h3>What this cannot say</h3>\n" + list(section.limits) }
        out += "<h3>The query that counted</h3>\n<pre><code>\(escaped(collapsed(section.query)))</code></pre>\n"
        return out
            + "<p class=\"controls\">$1 and $2 are the ends of the period where nothing else is said, $3 the tenants.</p>\n</section>\n"
    }

    private static func html(_ table: ReportTable, note: String?) -> String {
        let title = escaped(table.title) + (note.map { ": <span class=\"total\">\(escaped($0))</span>" } ?? "")
        guard !table.rows.isEmpty else { return "<p class=\"empty\">\(title)\(note == nil ? ": none" : "")</p>\n" }
        // A column is one of numbers where every value is, and there is one.
        let numeric = table.columns.indices.map { column in
            let values = table.rows.map { $0[column] }.filter { $0 != .none }
            return !values.isEmpty && values.allSatisfy { if case .number = $0 { true } else { false } }
        }
        var out = "<div class=\"scroll\"><table>\n<caption>\(title)</caption>\n<thead><tr>"
        for (column, name) in table.columns.enumerated() {
            out += "<th scope=\"col\"\(numeric[column] ? " class=\"n\"" : "")>\(escaped(name))</th>"
        }
        out += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            out += "<tr>"
            for (column, value) in row.enumerated() { out += "<td\(numeric[column] ? " class=\"n\"" : "")>\(cell(value))</td>" }
            out += "</tr>\n"
        }
        return out + "</tbody>\n</table></div>\n"
    }

    /// A table of a page can be pasted into a spreadsheet, so what looks like a formula is made text here too.
    private static func cell(_ value: ReportValue) -> String {
        if case .text(let text) = value { return "<bdi>\(escaped(CSVRow.neutralized(text)))</bdi>" }
        return escaped(value.text)
    }

    private static func controls(_ section: ReportSection, _ framework: ReportFramework) -> String {
        let ids = section.topic.controls(framework)
        return ids.isEmpty ? "no control is mapped" : escaped(ids.joined(separator: ", "))
    }

    private static func list(_ items: [String]) -> String {
        "<ul>\n" + items.map { "<li>\(escaped($0))</li>\n" }.joined() + "</ul>\n"
    }

    private static func collapsed(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    static func escaped(_ text: String) -> String { HTMLText.escaped(text) }

    /// Of every page that Cardea makes.
    static let style = """
        :root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --page: #fff; --band: #f6f8fa; --bar: #2f6f9f; --good: #116329; --bad: #a40e26 }
        @media (prefers-color-scheme: dark) {
        :root { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d; --page: #0d1117; --band: #161b22; --bar: #6cb0e0; --good: #56d364; --bad: #ff7b72 } }
        * { box-sizing: border-box }
        body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; color: var(--ink); background: var(--page); font: 16px/1.5 system-ui, sans-serif }
        h1 { margin: 0; font-size: 1.8rem } h2 { margin: 2.5rem 0 .25rem; font-size: 1.25rem } h3 { margin: 1rem 0 0; font-size: 1rem }
        header { border-bottom: 2px solid var(--line) } dl { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 1rem 0 }
        dt { color: var(--soft); font-size: .85rem } dd { margin: 0; overflow-wrap: anywhere } a { color: inherit }
        .controls, .empty { color: var(--soft); margin: .25rem 0 } .scroll { overflow-x: auto }
        table { width: 100%; border-collapse: collapse; margin: 1rem 0; font-size: .875rem }
        caption { text-align: left; font-weight: 600; padding: .25rem 0 } .total { color: var(--bad) }
        .empty .total { color: var(--soft) }
        th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
        thead th { background: var(--band); overflow-wrap: normal } tbody th { font-weight: 400 }
        .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
        .met strong { color: var(--good) } .unmet strong { color: var(--bad) }
        svg { display: block; width: 100%; height: auto; margin: 1rem 0 } svg rect { fill: var(--bar) } svg line { stroke: var(--line) }
        svg text { fill: var(--soft); font: 11px system-ui, sans-serif }
        pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--band); padding: .75rem; font-size: .8rem }
        ul { margin: .25rem 0; padding-left: 1.25rem }
        @page { margin: 18mm 15mm }
        @media print {
        :root { --ink: #000; --soft: #444; --line: #bbb; --page: #fff; --band: #eee; --bar: #336; --good: #000; --bad: #000 }
        body { max-width: none; padding: 0; font-size: 10pt } table { font-size: 8.5pt } .scroll { overflow: visible }
        h2, h3, caption { break-after: avoid } tr, svg { break-inside: avoid } thead { display: table-header-group } }
        """
}
