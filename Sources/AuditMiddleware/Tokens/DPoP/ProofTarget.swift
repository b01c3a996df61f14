/// A URL as `htu` names it: without query and fragment, and written in one way (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3).
struct ProofTarget: Sendable, Hashable {
    let text: [UInt8]

    /// - Returns: nil for what is no absolute `http` or `https` URL in ASCII, has user information or a broken escape, or is longer than 2 KiB.
    init?(_ url: some StringProtocol) {
        let bytes = Array(url.utf8)
        guard bytes.count <= 2048, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[(colon + 1)...].starts(with: "//".utf8)
        else { return nil }
        let scheme = bytes[..<colon].map { $0 | 0x20 }
        let defaultPort: [UInt8]
        if scheme.elementsEqual("https".utf8) {
            defaultPort = Array(":443".utf8)
        } else if scheme.elementsEqual("http".utf8) {
            defaultPort = Array(":80".utf8)
        } else {
            return nil
        }
        let rest = bytes[(colon + 3)...]
        let end = rest.firstIndex { [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) } ?? rest.endIndex
        var authority = rest[..<end].map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        guard !authority.isEmpty, !authority.contains(UInt8(ascii: "@")), !authority.contains(UInt8(ascii: "%")) else { return nil }
        if authority.suffix(defaultPort.count) == defaultPort[...] {
            authority.removeLast(defaultPort.count)
        } else if authority.last == UInt8(ascii: ":") {
            authority.removeLast()
        }
        let path = rest[end...].prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let path = Self.normalized(path) else { return nil }
        text = scheme + "://".utf8 + authority + (path.isEmpty ? [UInt8(ascii: "/")] : path)
    }

    /// The target of a request.
    /// - Parameters:
    ///   - base: the public URL in front of `path`, without a slash at its end.
    ///   - path: as the request has it.
    init?(base: String, path: String) { self.init(base + (path.hasPrefix("/") ? "" : "/") + path) }

    /// Escapes in upper case, and none of what needs none.
    private static func normalized(_ path: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(path.count)
        var rest = path
        while let c = rest.popFirst() {
            guard c == UInt8(ascii: "%") else {
                out.append(c)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
            let byte = high << 4 | low
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): out.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                out += [UInt8(ascii: "%"), digits[Int(high)], digits[Int(low)]]
            }
        }
        return out
    }

    private static func digit(_ c: UInt8) -> UInt8? {
        switch c {
        case 48...57: c - 48
        case 65...70: c - 55
        case 97...102: c - 87
        default: nil
        }
    }
}
