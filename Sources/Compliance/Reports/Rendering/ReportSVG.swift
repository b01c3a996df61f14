/// A chart as inline SVG, with its figures in words for those who do not see it.
enum ReportSVG {
    static func bars(_ chart: ReportChart) -> String {
        let (width, height, left, bottom) = (720, 150, 48, 22)
        let most = max(1, chart.bars.map(\.value).max() ?? 1)
        let plot = (width: width - left, height: height - bottom - 14)
        let summary =
            "\(chart.bars.count) bars from \(chart.bars.first?.label ?? "") to \(chart.bars.last?.label ?? ""), the highest \(most)."
        var out = "<figure style=\"margin:0\"><figcaption><strong>\(HTMLText.escaped(chart.title))</strong></figcaption>\n"
        out += "<svg viewBox=\"0 0 \(width) \(height)\" role=\"img\" aria-label=\"\(HTMLText.escaped("\(chart.title): \(summary)"))\">\n"
        out += "<line x1=\"\(left)\" y1=\"\(height - bottom)\" x2=\"\(width)\" y2=\"\(height - bottom)\"/>\n"
        out += "<text x=\"\(left - 6)\" y=\"20\" text-anchor=\"end\">\(most)</text>"
        out += "<text x=\"\(left - 6)\" y=\"\(height - bottom)\" text-anchor=\"end\">0</text>\n"
        // In hundredths of a unit, as whole numbers: the same text on every machine. Few bars do not become walls.
        let slot = min(plot.width * 100 / max(1, chart.bars.count), 9000)
        for (number, bar) in chart.bars.enumerated() {
            let size = bar.value <= 0 ? 0 : max(100, Int(Double(bar.value) / Double(most) * Double(plot.height * 100)))
            let (x, y) = (left * 100 + number * slot + slot / 10, (height - bottom) * 100 - size)
            out += "<rect x=\"\(decimal(x))\" y=\"\(decimal(y))\" width=\"\(decimal(slot * 8 / 10))\" height=\"\(decimal(size))\">"
            out += "<title>\(HTMLText.escaped(bar.label)): \(bar.value)</title></rect>\n"
        }
        for (number, anchor) in marks(chart.bars.count) {
            let x = left * 100 + number * slot + slot / 2
            out +=
                "<text x=\"\(decimal(x))\" y=\"\(height - 6)\" text-anchor=\"\(anchor)\">\(HTMLText.escaped(chart.bars[number].label))</text>\n"
        }
        return out + "</svg></figure>\n"
    }

    /// Which bars carry their label: the first, the middle and the last, where there is room.
    private static func marks(_ count: Int) -> [(Int, String)] {
        switch count {
        case 0: []
        case 1: [(0, "middle")]
        case 2...6: [(0, "middle"), (count - 1, "middle")]
        default: [(0, "start"), (count / 2, "middle"), (count - 1, "end")]
        }
    }

    private static func decimal(_ hundredths: Int) -> String {
        let rest = hundredths % 100
        return rest == 0 ? "\(hundredths / 100)" : "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
