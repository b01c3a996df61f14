import AuditEvents
import TransparencyLog

/// The package's own page: what was asked, what was found, what it stands on. Self-contained, without script, printable.
enum ExportReport {
    static func html(_ manifest: ExportManifest) -> [UInt8] {
        let totals = manifest.totals
        let title = "Export of the security record"
        var out = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(title)</title>
            <style>
            \(ReportHTML.style)
            </style>
            </head>
            <body>
            <header><h1>\(title)</h1></header>
            <main>
            <p>\(totals.matches) events match the query; \(totals.events) leaves of the record are shown, so that a stranger sees that none of them was
            withheld. Verify before you rely on it: VERIFY.md tells how.</p>

            """
        out += table(
            "What was asked, and what was found", ["", ""],
            [
                ["Query", manifest.query.isEmpty ? "(everything)" : manifest.query],
                ["From", manifest.since?.description ?? "the beginning"], ["To", manifest.until?.description ?? "the checkpoint"],
                ["Time zone", manifest.timeZone], ["Bodies shown", manifest.disclosure], ["First match", totals.first ?? "–"],
                ["Last match", totals.last ?? "–"], ["Matches without body", "\(totals.withheld)"],
                ["Leaves of events past retention", "\(totals.pruned)"],
            ])
        let days = totals.byDay.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        if !days.isEmpty {
            out += ReportSVG.bars(
                ReportChart(title: "Matches by day", bars: days.suffix(366).map { ReportChart.Bar(label: $0.key, value: Int64($0.value)) }))
        }
        for (name, counts) in [
            ("type", totals.byType), ("outcome", totals.byOutcome), ("source", totals.bySource), ("tenant", totals.byTenant),
        ] {
            let sorted = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            out += table("Matches by \(name)", [name, "events"], sorted.prefix(200).map { [$0.key, "\($0.value)"] })
        }
        out += table(
            "What it stands on", ["log", "leaves shown", "checkpoint", "root"],
            manifest.shards.map { [$0.origin, "\($0.first) to \($0.size)", "\($0.size) leaves", $0.root.description] })
        out += """
            <h2>What it does not show</h2>
            <p>That the application reported everything cannot be proved by its record. The log's key alone makes tampering detectable; who holds key and
            database could have written everything anew, which a checkpoint held elsewhere, or a witness's signature, excludes.</p>
            </main>
            </body>
            </html>

            """
        return Array(out.utf8)
    }

    private static func table(_ caption: String, _ titles: [String], _ rows: [[String]]) -> String {
        func cells(_ tag: String, _ texts: [String]) -> String {
            "<tr>" + texts.map { "<\(tag)>\(HTMLText.escaped($0))</\(tag.prefix(2))>" }.joined() + "</tr>\n"
        }
        var out = "<table>\n<caption>\(HTMLText.escaped(caption))</caption>\n"
        if titles.contains(where: { !$0.isEmpty }) { out += "<thead>" + cells("th scope=\"col\"", titles) + "</thead>\n" }
        return out + "<tbody>\n" + rows.map { cells("td", $0) }.joined() + "</tbody>\n</table>\n"
    }
}
