import AuditEvents

/// Who a log says a client was: an address, or a name where the server looked it up.
struct ClientAddress: Sendable, Equatable {
    /// IPv4, or IPv6 in the form of RFC 5952; an IPv4-mapped IPv6 address is its IPv4 address, so that a client is the same in every log.
    var ip: String?
    var host: String?
    var port: UInt16?

    /// The client named by `bytes`; nil where they can be neither address nor host name. A zone (`%eth0`) and brackets are dropped.
    init?(_ bytes: Bytes, port: UInt16? = nil) {
        self.port = port
        var bytes = bytes
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2 { bytes = bytes.dropFirst().dropLast() }
        if Self.isIPv4(bytes) {
            ip = String(decoding: bytes, as: UTF8.self)
        } else if bytes.contains(UInt8(ascii: ":")) {
            guard let groups = Self.ipv6(bytes.prefix { $0 != UInt8(ascii: "%") }) else { return nil }
            ip = Self.text(groups)
        } else {
            guard Self.isHostName(bytes) else { return nil }
            host = String(decoding: bytes, as: UTF8.self)
        }
    }

    static func isAddress(_ bytes: Bytes) -> Bool {
        isIPv4(bytes) || (bytes.contains(UInt8(ascii: ":")) && ipv6(bytes.prefix { $0 != UInt8(ascii: "%") }) != nil)
    }

    private static func isIPv4(_ bytes: Bytes) -> Bool { ipv4(bytes) != nil }

    private static func ipv4(_ bytes: Bytes) -> UInt32? {
        guard (7...15).contains(bytes.count) else { return nil }
        var value: UInt32 = 0
        var octet = 0
        var digits = 0
        var octets = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, octets < 3 else { return nil }
                value = value << 8 | UInt32(octet)
                (octet, digits) = (0, 0)
                octets += 1
            } else {
                // A leading zero is octal to some and decimal to others: no address.
                guard (48...57).contains(byte), digits == 0 || octet > 0 else { return nil }
                octet = octet * 10 + Int(byte - 48)
                digits += 1
                guard octet <= 255 else { return nil }
            }
        }
        guard octets == 3, digits > 0 else { return nil }
        return value << 8 | UInt32(octet)
    }

    private static func ipv6(_ bytes: Bytes) -> [UInt16]? {
        guard (2...45).contains(bytes.count) else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        var rest = bytes
        if rest.starts(with: "::") {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            if rest.contains(UInt8(ascii: ".")), !rest.contains(UInt8(ascii: ":")) {
                guard let v4 = ipv4(rest) else { return nil }
                groups += [UInt16(v4 >> 16), UInt16(v4 & 0xffff)]
                break
            }
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            guard let group = hexGroup(rest[..<end]) else { return nil }
            groups.append(group)
            guard groups.count <= 8 else { return nil }
            rest = rest[end...]
            if rest.isEmpty { break }
            if rest.starts(with: "::") {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst(2)
            } else {
                rest = rest.dropFirst()
                if rest.isEmpty { return nil }
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        return groups.count == 8 ? groups : nil
    }

    private static func hexGroup(_ bytes: Bytes) -> UInt16? {
        guard (1...4).contains(bytes.count) else { return nil }
        var value: UInt16 = 0
        for byte in bytes {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            default: return nil
            }
        }
        return value
    }

    /// RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups as `::`, the first of equals.
    private static func text(_ groups: [UInt16]) -> String {
        if groups[..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xffff {
            return "\(groups[6] >> 8).\(groups[6] & 0xff).\(groups[7] >> 8).\(groups[7] & 0xff)"
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end
        }
        func joined(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        if best.isEmpty { return joined(groups[...]) }
        return joined(groups[..<best.lowerBound]) + "::" + joined(groups[best.upperBound...])
    }

    /// Letters, digits, `.`, `-`, `_`, and not digits and dots alone: that is the beginning of an address.
    private static func isHostName(_ bytes: Bytes) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        var hasLetter = false
        for byte in bytes {
            switch byte {
            case 65...90, 97...122: hasLetter = true
            case 48...57, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): break
            default: return false
            }
        }
        return hasLetter
    }
}

extension EventBody {
    /// Enters who the client was: an address as the client's, a name (which is no address) as `client_host` of the details.
    mutating func setClient(_ address: ClientAddress?) {
        guard let address else { return }
        if address.ip != nil || address.port != nil {
            var client = self.client ?? Client()
            client.ip = address.ip
            client.port = address.port
            self.client = client
        }
        if let host = address.host { details["client_host"] = .string(host) }
    }
}

extension ClientAddress {
    /// The client of `192.0.2.1:443`, `[2001:db8::1]:443`, or of an address alone.
    init?(endpoint bytes: Bytes) {
        if bytes.first == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) {
            var tail = bytes[(end + 1)...]
            let port = tail.consume(":") ? tail.decimal.flatMap(UInt16.init(exactly:)) : nil
            self.init(bytes[...end], port: port)
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes.lastIndex(of: UInt8(ascii: ":")) == colon {
            self.init(bytes[..<colon], port: bytes[(colon + 1)...].decimal.flatMap(UInt16.init(exactly:)))
        } else {
            self.init(bytes)
        }
    }
}
