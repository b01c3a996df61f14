import AuditEvents

extension ArraySlice<UInt8> {
    /// Takes a month's English name of three letters; nil leaves the bytes as they were.
    mutating func takeMonth() -> Int? {
        guard count >= 3 else { return nil }
        let key = UInt32(self[startIndex]) << 16 | UInt32(self[startIndex + 1]) << 8 | UInt32(self[startIndex + 2])
        guard let month = Self.months.firstIndex(of: key) else { return nil }
        self = dropFirst(3)
        return month + 1
    }

    private static let months: [UInt32] = "JanFebMarAprMayJunJulAugSepOctNovDec".utf8.reduce(into: (list: [UInt32](), n: 0)) { all, byte in
        if all.n % 3 == 0 { all.list.append(0) }
        all.list[all.n / 3] = all.list[all.n / 3] << 8 | UInt32(byte)
        all.n += 1
    }.list

    /// Takes `HH:MM:SS` and decimals of a second, where there are some, into `fields`; false where they are not there.
    mutating func takeTime(into fields: inout LogClock.Fields) -> Bool {
        guard let hour = takeNumber(limit: 2), consume(":"), let minute = takeNumber(limit: 2), consume(":"),
            let second = takeNumber(limit: 2)
        else { return false }
        (fields.hour, fields.minute, fields.second) = (hour, minute, second)
        fields.microsecond = takeFraction()
        return true
    }

    /// Takes `.ddd…` as microseconds, cut after the sixth digit; 0 where there is none.
    mutating func takeFraction() -> Int {
        guard first == UInt8(ascii: ".") || first == UInt8(ascii: ","), dropFirst().first.map({ (48...57).contains($0) }) == true else {
            return 0
        }
        removeFirst()
        var value = 0
        var scale = 100_000
        while let digit = first, (48...57).contains(digit) {
            value += Int(digit - 48) * scale
            scale /= 10
            removeFirst()
        }
        return value
    }

    /// The moment of `17/May/2015:10:05:03 +0000` (strftime's form in access logs, decimals allowed) or of RFC 3339.
    var accessTime: Timestamp? {
        var rest = self
        var fields = LogClock.Fields()
        guard let day = rest.takeNumber(limit: 2), rest.consume("/") else { return Timestamp(rfc3339: self) }
        guard let month = rest.takeMonth(), rest.consume("/"), rest.count >= 4, let year = rest.prefix(4).decimal else { return nil }
        rest = rest.dropFirst(4)
        guard rest.consume(":"), rest.takeTime(into: &fields), rest.consume(" ") else { return nil }
        let isWest = rest.first == UInt8(ascii: "-")
        guard rest.consume("+") || rest.consume("-") else { return nil }
        guard rest.count == 4, let zone = rest.decimal, zone / 100 <= 14, zone % 100 <= 59 else { return nil }
        let offset = (zone / 100 * 60 + zone % 100) * 60
        return Timestamp(
            year: year, month: month, day: day, hour: fields.hour, minute: fields.minute, second: fields.second,
            microsecond: fields.microsecond, offsetSeconds: isWest ? -offset : offset)
    }
}
