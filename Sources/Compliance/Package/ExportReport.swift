import AuditEvents
import TransparencyLog

/// The package's own page: what was asked, what was found, what it stands on. Self-contained, without script, printable.
enum ExportReport {
    static func html(_ manifest: ExportManifest) -> [UInt8] {
        let totals = manifest.totals
        var page = HTMLPage(title: "Export of the security record")
        page.heading("Export of the security record")
        page.paragraph(
            "\(totals.matches) events match the query; \(totals.events) leaves of the record are shown, so that a stranger sees that none of them was withheld. "
                + "Verify before you rely on it: VERIFY.md tells how.")
        page.table(
            ["", ""],
            [
                ["Query", manifest.query.isEmpty ? "(everything)" : manifest.query],
                ["From", manifest.since?.description ?? "the beginning"], ["To", manifest.until?.description ?? "the checkpoint"],
                ["Time zone", manifest.timeZone], ["Bodies shown", manifest.disclosure],
                ["First match", totals.first ?? "–"], ["Last match", totals.last ?? "–"],
                ["Matches without body", "\(totals.withheld)"], ["Leaves of events past retention", "\(totals.pruned)"],
            ])
        page.heading("Matches by day", level: 2)
        page.bars(totals.byDay.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, limit: 62)
        for (title, counts) in [
            ("Type", totals.byType), ("Outcome", totals.byOutcome), ("Source", totals.bySource), ("Tenant", totals.byTenant),
        ] {
            page.heading("Matches by \(title.lowercased())", level: 2)
            let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            page.bars(sorted.prefix(12).map { ($0.key, $0.value) }, limit: 12)
            page.table([title, "Events"], sorted.prefix(200).map { [$0.key, "\($0.value)"] })
        }
        page.heading("What it stands on", level: 2)
        page.table(
            ["Log", "Leaves shown", "Checkpoint", "Root"],
            manifest.shards.map { [$0.origin, "\($0.first) to \($0.size)", "\($0.size) leaves", $0.root.description] })
        page.heading("What it does not show", level: 2)
        page.paragraph(
            "That the application reported everything cannot be proved by its record. The log's key alone makes tampering detectable; who holds key and database could have written everything anew, which a checkpoint held elsewhere, or a witness's signature, excludes."
        )
        return Array(page.text.utf8)
    }
}
