/// One line of `Forwarded`, read strictly by RFC 7239 §4.
struct ForwardedField {
    private let bytes: [UInt8]
    private var place = 0

    /// The longest line that is read.
    static let limit = 16_384

    /// The nodes of a line's `for`s in their order; nil unless the whole line is well-formed.
    static func nodes(_ line: String) -> [ForwardedNode]? {
        guard line.utf8.count <= limit else { return nil }
        var field = ForwardedField(bytes: Array(line.utf8))
        return field.nodes()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func nodes() -> [ForwardedNode]? {
        var nodes: [ForwardedNode] = []
        while true {
            skipSpace()
            // Empty elements of a list say nothing (RFC 9110 §5.6.1.2).
            if next == UInt8(ascii: ",") {
                place += 1
                continue
            }
            if place == bytes.count { return nodes }
            guard let node = element() else { return nil }
            nodes.append(node)
            skipSpace()
            guard place < bytes.count else { return nodes }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while let c = next, c == 0x20 || c == 0x09 { place += 1 }
    }

    /// `[ pair ] *( ";" [ pair ] )`, each parameter once.
    private mutating func element() -> ForwardedNode? {
        var names: [ArraySlice<UInt8>] = []
        var node = ForwardedNode.unidentified
        repeat {
            guard let c = next, Self.isToken(c) else { continue }
            let name = token()
            guard take(UInt8(ascii: "=")), let value = value(), names.count < 16,
                !names.contains(where: { $0.elementsEqual(name) { Self.lower($0) == Self.lower($1) } })
            else { return nil }
            names.append(name)
            if name.elementsEqual("for".utf8, by: { Self.lower($0) == $1 }) {
                node = ForwardedNode(value.span, strict: true)
                if node == .malformed { return nil }
            }
        } while take(UInt8(ascii: ";"))
        return node
    }

    private mutating func token() -> ArraySlice<UInt8> {
        let start = place
        while let c = next, Self.isToken(c) { place += 1 }
        return bytes[start..<place]
    }

    /// A token or a quoted string, unquoted.
    private mutating func value() -> [UInt8]? {
        guard take(UInt8(ascii: "\"")) else {
            let token = token()
            return token.isEmpty ? nil : Array(token)
        }
        var value: [UInt8] = []
        while let c = next {
            place += 1
            switch c {
            case UInt8(ascii: "\""): return value
            case UInt8(ascii: "\\"):
                guard let quoted = next, Self.isText(quoted) else { return nil }
                place += 1
                value.append(quoted)
            default:
                guard Self.isText(c) else { return nil }
                value.append(c)
            }
        }
        return nil
    }

    private static func isText(_ c: UInt8) -> Bool { c == 0x09 || c >= 0x20 && c != 0x7f }
    private static func lower(_ c: UInt8) -> UInt8 { (65...90).contains(c) ? c + 32 : c }

    private static func isToken(_ c: UInt8) -> Bool {
        switch c {
        case 48...57, 65...90, 97...122: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(c)
        }
    }
}
