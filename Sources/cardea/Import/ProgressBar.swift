import Glibc

/// A line on the terminal that says how far a file is; nothing when messages are not going to a terminal.
struct ProgressBar {
    private let name: String
    private let total: Int?
    private var drawn: ContinuousClock.Instant?
    private let started = ContinuousClock.now

    init(_ name: String, totalBytes: Int?) { (self.name, total) = (name, totalBytes) }

    mutating func update(bytes: Int, events: Int) {
        guard StandardError.isTerminal, drawn.map({ ContinuousClock.now - $0 > .milliseconds(100) }) ?? true else { return }
        drawn = .now
        let seconds = max(0.001, (ContinuousClock.now - started) / .seconds(1))
        let rate = Int(Double(events) / seconds)
        var text = "\r\u{1b}[K\(RowPrinter.visible(name)): "
        if let total, total > 0 {
            let share = min(1, Double(bytes) / Double(total))
            let filled = Int(share * 30)
            text += "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled) + "] \(Int(share * 100)) % "
        }
        StandardError.write(text + "\(events) events, \(rate)/s")
    }

    func clear() {
        if drawn != nil { StandardError.write("\r\u{1b}[K") }
    }
}
