/// How long events are kept, as people write it: `400d`, `57w`, `2y` (of 365 days).
public enum KeepSpan {
    /// The days meant, 1 to 36,500; nil where the text is no such span.
    public static func days(_ text: String) -> Int32? {
        let units: [Character: Int32] = ["d": 1, "w": 7, "y": 365]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().utf8.allSatisfy({ (48...57).contains($0) }),
            let count = Int32(text.dropLast()), count > 0, count <= 36_500
        else { return nil }
        let days = count * unit
        return days <= 36_500 ? days : nil
    }
}
