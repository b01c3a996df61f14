/// Durations in buckets that grow with them: eight to every doubling, so that a quantile is at most 1/8 too high and a row stays small.
struct LatencyHistogram: Sendable, Equatable {
    /// Counts by bucket number, as text for the JSON column.
    private(set) var counts: [String: Int64] = [:]
    private(set) var maximum: Int64?

    /// What is longer counts as this: JSON numbers are exact up to here (RFC 7493 §2.2), and it is 285 years.
    static let longest: Int64 = 9_007_199_254_740_991

    init() {}

    init(counts: [String: Int64], maximum: Int64?) { (self.counts, self.maximum) = (counts, maximum) }

    /// Adds one duration in microseconds.
    mutating func add(_ microseconds: Int64) {
        let value = min(max(0, microseconds), LatencyHistogram.longest)
        counts[String(LatencyHistogram.bucket(value)), default: 0] += 1
        maximum = max(maximum ?? 0, value)
    }

    /// The upper bound of the bucket in which the quantile lies, at most the maximum; nil without values.
    func quantile(_ q: Double) -> Int64? {
        guard let maximum else { return nil }
        let total = counts.values.reduce(0, +)
        let rank = max(1, Int64((Double(total) * q).rounded(.up)))
        var seen: Int64 = 0
        for (bucket, count) in counts.compactMap({ entry in Int(entry.key).map { ($0, entry.value) } }).sorted(by: { $0.0 < $1.0 }) {
            seen += count
            if seen >= rank { return min(maximum, LatencyHistogram.upperBound(of: bucket)) }
        }
        return maximum
    }

    static func bucket(_ value: Int64) -> Int {
        guard value >= 8 else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        return (exponent - 2) * 8 + Int(value >> Int64(exponent - 3)) & 7
    }

    static func upperBound(of bucket: Int) -> Int64 {
        guard bucket >= 8 else { return Int64(bucket) }
        let exponent = bucket / 8 + 2
        // Unsigned, for the highest bucket ends at 2^63 - 1.
        return Int64(clamping: (UInt64(8 + bucket % 8 + 1) << UInt64(exponent - 3)) - 1)
    }
}
