import AuditEvents

/// What people read about alerts, in plain text.
struct AlertText {
    let deliveries: [Delivery]

    /// Alerts that one message shows; it counts the others.
    static let maximum = 20

    /// One line.
    var subject: String {
        guard let first = deliveries.first else { return "" }
        let word =
            switch first.kind {
            case .firing: first.alert.severity.name.uppercased()
            case .resolved: "RESOLVED"
            case .test: "TEST"
            }
        let group = deliveries.count == 1 ? first.alert.groupText : "\(deliveries.count) alerts"
        return "[\(word)] \(first.alert.rule)\(group.isEmpty ? "" : ": \(group)")"
    }

    static func span(_ alert: AlertCard) -> String {
        "\(alert.count) event\(alert.count == 1 ? "" : "s"), \(alert.firstSeen) to \(alert.lastSeen)"
    }

    /// A paragraph for each alert.
    var paragraphs: [String] {
        let shown = deliveries.prefix(AlertText.maximum).map { delivery in
            let alert = delivery.alert
            var lines = ["\(alert.rule)\(alert.group.isEmpty ? "" : ": " + alert.groupText)"]
            lines.append(AlertText.span(alert))
            lines.append("severity \(alert.severity.name), tenant \(alert.tenant), \(alert.state)")
            if delivery.kind != .test { lines.append("cardea alerts explain \(alert.id.prefix(8))") }
            return lines.joined(separator: "\n")
        }
        let rest = deliveries.count - shown.count
        return shown + (rest > 0 ? ["and \(rest) more: cardea alerts list"] : [])
    }
}
