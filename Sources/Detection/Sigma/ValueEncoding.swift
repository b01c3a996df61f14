/// Sigma's modifiers that change a value before it is compared (modifiers appendix 2.1.0, "String Modifiers" and "Encoding").
enum ValueEncoding {
    /// Texts that `windash` may make of one value.
    static let maximumTexts = 625

    /// Bytes of a value with `windash`.
    static let maximumDashedBytes = 4096

    static func apply(_ encodings: [String], to text: SigmaString, _ node: RuleNode) throws(RuleError) -> [SigmaString] {
        var texts = [text]
        for encoding in encodings {
            if encoding == "windash" {
                var dashed: [SigmaString] = []
                for text in texts { dashed += try dashes(text, node) }
                texts = dashed
                continue
            }
            var encoded: [[UInt8]] = []
            for text in texts {
                guard let bytes = text.plain else {
                    throw node.error(.value, "a text with wildcards cannot be encoded", advice: "put a backslash before * and ?")
                }
                encoded += encode(bytes, encoding)
            }
            texts = encoded.map { bytes in SigmaString(literal: bytes) }
        }
        return texts
    }

    private static func encode(_ bytes: [UInt8], _ encoding: String) -> [[UInt8]] {
        switch encoding {
        case "base64": [base64(bytes[...])]
        case "base64offset": offsets(bytes)
        case "utf16be": [utf16(bytes).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }]
        case "utf16": [[0xff, 0xfe] + utf16(bytes).flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }]
        default: [utf16(bytes).flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }]
        }
    }

    private static func utf16(_ bytes: [UInt8]) -> [UInt16] { Array(String(decoding: bytes, as: UTF8.self).utf16) }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// RFC 4648 §4.
    static func base64(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes
        while !rest.isEmpty {
            let group = rest.prefix(3)
            rest = rest.dropFirst(3)
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let sextet = Int(bits >> UInt32(18 - 6 * place) & 63)
                result.append(place <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        return result
    }

    /// The characters that do not depend on what stands before or behind, for each of the three places that the text can begin at.
    private static func offsets(_ bytes: [UInt8]) -> [[UInt8]] {
        (0..<3).compactMap { shift in
            let encoded = base64(([UInt8](repeating: 0x20, count: shift) + bytes)[...])
            let start = [0, 2, 3][shift]
            let whole = (shift + bytes.count) * 8 / 6
            return start < whole ? Array(encoded[start..<whole]) : nil
        }
    }

    private static let dashCharacters = ["-", "/", "\u{2013}", "\u{2014}", "\u{2015}"].map { Array($0.utf8) }

    /// Each dash that begins a word, in each of its five forms.
    private static func dashes(_ text: SigmaString, _ node: RuleNode) throws(RuleError) -> [SigmaString] {
        var results: [[SigmaString.Part]] = [[]]
        for part in text.parts {
            guard case .literal(let bytes) = part else {
                results = results.map { $0 + [part] }
                continue
            }
            guard bytes.count <= maximumDashedBytes else {
                throw node.error(.limit, "a value with windash may have at most \(maximumDashedBytes) bytes", construct: "")
            }
            var literals: [[UInt8]] = [[]]
            var place = 0
            while place < bytes.count {
                let dash = dashCharacters.first { bytes[place...].starts(with: $0) }
                let end = place + (dash?.count ?? 1)
                let opensWord = (place == 0 || !isWord(bytes[place - 1])) && end < bytes.count && isWord(bytes[end])
                if dash != nil, opensWord {
                    guard literals.count * results.count * 5 <= maximumTexts else {
                        throw node.error(.limit, "windash takes at most four dashes in a value")
                    }
                    literals = literals.flatMap { literal in dashCharacters.map { literal + $0 } }
                } else {
                    for index in literals.indices { literals[index] += bytes[place..<end] }
                }
                place = end
            }
            results = results.flatMap { result in literals.map { result + [.literal($0)] } }
        }
        return results.map { SigmaString(parts: $0) }
    }

    private static func isWord(_ c: UInt8) -> Bool {
        (48...57).contains(c) || (97...122).contains(c | 0x20) || c == 0x5f || c >= 0xc0
    }
}

extension SigmaString {
    /// A text in which no character is a wildcard.
    init(literal: [UInt8]) { self.init(parts: literal.isEmpty ? [] : [.literal(literal)]) }

    init(parts: [Part]) { self.parts = parts }
}
