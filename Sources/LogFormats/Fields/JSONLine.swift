import AuditEvents

/// A line of somebody's JSON, read as forgivingly as safety allows: a cut line keeps its whole members, and text that is no Unicode becomes
/// U+FFFD. What has two members of one name is refused: two readers would see two events.
enum JSONLine {
    /// How deep a line may nest; deeper ones are refused.
    static let maximumDepth = 32

    static func fields(_ line: Bytes) throws(JSONError) -> Fields {
        let strict: JSONError
        do {
            let value = try JSONValue(parsing: line, maximumDepth: maximumDepth)
            // Whoever calls this has seen the brace.
            return Fields(object: value.object ?? JSONObject())
        } catch { strict = error }
        guard let (text, isTruncated) = mended(line), let value = try? JSONValue(parsing: text, maximumDepth: maximumDepth),
            let object = value.object
        else { throw strict }
        return Fields(object: object, isTruncated: isTruncated)
    }

    /// The line with every string valid and everything closed that it left open; nil where that does not help.
    private static func mended(_ line: Bytes) -> (text: [UInt8], isTruncated: Bool)? {
        var out: [UInt8] = []
        out.reserveCapacity(line.count + 16)
        var open: [UInt8] = []
        // Where the text could be cut, and what would then be open: behind a whole member.
        var cut: (count: Int, open: [UInt8])?
        var isInString = false
        var position = line.startIndex
        while position < line.endIndex {
            let byte = line[position]
            if isInString {
                switch byte {
                case UInt8(ascii: "\\"):
                    guard position + 1 < line.endIndex else {
                        position += 1
                        continue
                    }
                    position += takeEscape(line, at: position, into: &out)
                    continue
                case UInt8(ascii: "\""): isInString = false
                case 0..<0x20:
                    out.append(0x20)
                    position += 1
                    continue
                case 0x80...:
                    position += takeScalar(line, at: position, into: &out)
                    continue
                default: break
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    open.append(byte + 2)
                    guard open.count <= maximumDepth else { return nil }
                    out.append(byte)
                    position += 1
                    cut = (out.count, open)
                    continue
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    guard open.popLast() == byte else { return nil }
                    out.append(byte)
                    position += 1
                    cut = (out.count, open)
                    continue
                case UInt8(ascii: ","): cut = (out.count, open)
                default: break
                }
            }
            out.append(byte)
            position += 1
        }
        if open.isEmpty, !isInString { return (out, false) }
        guard let cut else { return nil }
        return (out[..<cut.count] + cut.open.reversed(), true)
    }

    /// Copies the escape at `position`, a lone surrogate as U+FFFD; gives how many bytes it took.
    private static func takeEscape(_ line: Bytes, at position: Int, into out: inout [UInt8]) -> Int {
        guard line[position + 1] == UInt8(ascii: "u") else {
            out.append(contentsOf: line[position...position + 1])
            return 2
        }
        guard let unit = unit(line, at: position) else {
            out.append(contentsOf: line[position...position + 1])
            return 2
        }
        if (0xd800...0xdbff).contains(unit), let low = self.unit(line, at: position + 6), (0xdc00...0xdfff).contains(low) {
            out.append(contentsOf: line[position..<position + 12])
            return 12
        }
        if (0xd800...0xdfff).contains(unit) {
            out.append(contentsOf: #"\ufffd"#.utf8)
        } else {
            out.append(contentsOf: line[position..<position + 6])
        }
        return 6
    }

    /// The code unit of the `\uXXXX` at `position`.
    private static func unit(_ line: Bytes, at position: Int) -> UInt16? {
        guard position + 6 <= line.endIndex, line[position] == UInt8(ascii: "\\"), line[position + 1] == UInt8(ascii: "u") else {
            return nil
        }
        return UInt16(String(decoding: line[position + 2..<position + 6], as: UTF8.self), radix: 16)
    }

    private static func takeScalar(_ line: Bytes, at position: Int, into out: inout [UInt8]) -> Int {
        for length in 2...4 where position + length <= line.endIndex {
            if String(validating: line[position..<position + length], as: UTF8.self) != nil {
                out.append(contentsOf: line[position..<position + length])
                return length
            }
        }
        out.append(contentsOf: [0xef, 0xbf, 0xbd])
        return 1
    }
}
