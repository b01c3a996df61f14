extension Timestamp: CustomStringConvertible, LosslessStringConvertible {
    /// RFC 3339 in UTC with six decimals: `2026-11-23T02:34:13.000000Z`.
    ///
    /// A moment outside of the years 0 to 9999, which no parser gives, is written as its microseconds since 1970.
    public var description: String {
        guard Timestamp.written.contains(self) else { return "@\(microseconds)us" }
        return String(unsafeUninitializedCapacity: 27) { buffer in
            let c = civil
            func put(_ value: Int, at offset: Int, width: Int) {
                var value = value
                for i in stride(from: offset + width - 1, through: offset, by: -1) {
                    buffer[i] = UInt8(ascii: "0") + UInt8(value % 10)
                    value /= 10
                }
            }
            put(c.year, at: 0, width: 4)
            buffer[4] = UInt8(ascii: "-")
            put(c.month, at: 5, width: 2)
            buffer[7] = UInt8(ascii: "-")
            put(c.day, at: 8, width: 2)
            buffer[10] = UInt8(ascii: "T")
            put(c.hour, at: 11, width: 2)
            buffer[13] = UInt8(ascii: ":")
            put(c.minute, at: 14, width: 2)
            buffer[16] = UInt8(ascii: ":")
            put(c.second, at: 17, width: 2)
            buffer[19] = UInt8(ascii: ".")
            put(c.microsecond, at: 20, width: 6)
            buffer[26] = UInt8(ascii: "Z")
            return 27
        }
    }

    /// Parses RFC 3339 §5.6 `date-time`; `T` may be lower case or a space, decimals beyond the sixth are cut, an offset is required.
    public init?(_ text: String) {
        var text = text
        guard let value = text.withUTF8({ Timestamp(rfc3339: $0) }) else { return nil }
        self = value
    }

    /// Parses RFC 3339 §5.6 `date-time` from ASCII bytes.
    ///
    /// - Parameter assumingUTC: whether a missing offset means UTC instead of an error.
    public init?(rfc3339 bytes: some Collection<UInt8>, assumingUTC: Bool = false) {
        let parsed = bytes.withContiguousStorageIfAvailable { Timestamp(ascii: $0, assumingUTC: assumingUTC) }
        guard let time = parsed ?? Array(bytes).withUnsafeBufferPointer({ Timestamp(ascii: $0, assumingUTC: assumingUTC) }) else {
            return nil
        }
        self = time
    }

    private init?(ascii bytes: UnsafeBufferPointer<UInt8>, assumingUTC: Bool) {
        var rest = bytes[...]
        func digits(_ count: Int) -> Int? {
            var value = 0
            for _ in 0..<count {
                guard let c = rest.popFirst(), c >= 48, c <= 57 else { return nil }
                value = value * 10 + Int(c - 48)
            }
            return value
        }
        func skip(_ accepted: StaticString) -> Bool {
            guard let c = rest.popFirst() else { return false }
            return UnsafeBufferPointer(start: accepted.utf8Start, count: accepted.utf8CodeUnitCount).contains(c)
        }
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2), skip("Tt "),
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"), let second = digits(2)
        else { return nil }
        var microsecond = 0
        if let c = rest.first, c == UInt8(ascii: ".") || c == UInt8(ascii: ",") {
            rest.removeFirst()
            var scale = 100_000
            var any = false
            while let c = rest.first, c >= 48, c <= 57 {
                microsecond += Int(c - 48) * scale
                scale /= 10
                any = true
                rest.removeFirst()
            }
            guard any else { return nil }
        }
        var offset = 0
        let sign = rest.popFirst()
        switch sign {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): break
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard let h = digits(2), h <= 23 else { return nil }
            if rest.first == UInt8(ascii: ":") { rest.removeFirst() }
            guard let m = digits(2), m <= 59 else { return nil }
            offset = (h * 3600 + m * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
        case nil where assumingUTC: break
        default: return nil
        }
        guard rest.isEmpty else { return nil }
        self.init(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: microsecond,
            offsetSeconds: offset)
    }
}
