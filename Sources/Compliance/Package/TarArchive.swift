import EventStore
import Glibc

/// Packages in one file: POSIX ustar, every member with the time 0, the mode 0644 and no owner, so that the same files are the same bytes.
enum TarArchive {
    static let block = 512

    /// The header of a member (POSIX.1-2017, pax, "ustar Interchange Format"); sizes beyond eleven octal digits in base 256, as GNU tar has them.
    ///
    /// - Throws: `StoreError` with `.file` for a name of more than 100 bytes, which no package has.
    static func header(_ name: String, bytes: Int64) throws -> [UInt8] {
        guard name.utf8.count <= 100 else { throw StoreError(.file, "the name \(name) is too long for a tar") }
        var header = [UInt8](repeating: 0, count: block)
        func put(_ text: some Sequence<UInt8>, at place: Int) { for (offset, byte) in text.enumerated() { header[place + offset] = byte } }
        put(name.utf8, at: 0)
        put("0000644\0".utf8, at: 100)
        put("0000000\0".utf8, at: 108)
        put("0000000\0".utf8, at: 116)
        if bytes < 1 << 33 {
            put(octal(bytes, digits: 11).utf8, at: 124)
        } else {
            header[124] = 0x80
            for place in 0..<8 { header[135 - place] = UInt8(truncatingIfNeeded: bytes >> Int64(8 * place)) }
        }
        put(octal(0, digits: 11).utf8, at: 136)
        put("        0".utf8, at: 148)
        put("ustar\u{0}00".utf8, at: 257)
        let sum = header.reduce(0) { $0 + Int64($1) }
        put((octal(sum, digits: 6) + "\0 ").utf8, at: 148)
        return header
    }

    private static func octal(_ number: Int64, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Packs the files of a folder, in the given order.
    static func write(_ names: [String], from folder: String, to path: String) throws {
        let temporary = "\(path).\(getpid()).new"
        let out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard out >= 0 else { throw failure(path) }
        defer { close(out) }
        func put(_ bytes: some Collection<UInt8>) throws {
            let bytes = Array(bytes)
            var written = 0
            while written < bytes.count {
                let count = bytes.withUnsafeBytes { Glibc.write(out, $0.baseAddress.map { $0 + written }, bytes.count - written) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(path) }
                written += count
            }
        }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        for name in names {
            let file = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw failure("\(folder)/\(name)") }
            defer { close(file) }
            var status = stat()
            guard fstat(file, &status) == 0 else { throw failure("\(folder)/\(name)") }
            try put(header(name, bytes: Int64(status.st_size)))
            var left = Int64(status.st_size)
            while left > 0 {
                let count = read(file, &chunk, min(chunk.count, Int(left)))
                guard count > 0 else { throw failure("\(folder)/\(name)") }
                try put(chunk[..<count])
                left -= Int64(count)
            }
            try put([UInt8](repeating: 0, count: (block - Int(Int64(status.st_size) % Int64(block))) % block))
        }
        try put([UInt8](repeating: 0, count: 2 * block))
        guard fsync(out) == 0, rename(temporary, path) == 0 else { throw failure(path) }
    }

    /// Where the members lie; a plain ustar as above, and what GNU tar or bsdtar make of such a folder.
    ///
    /// - Throws: `PackageFinding`: `.incomplete` for one that ends early, `.tampered` for one that is none or names a file twice.
    static func members(_ descriptor: Int32, _ place: String) throws -> [(name: String, offset: Int64, bytes: Int64)] {
        var members: [(name: String, offset: Int64, bytes: Int64)] = []
        var offset: Int64 = 0
        while true {
            guard let header = try PackageReader.read(descriptor, at: offset, count: block), header.count == block else {
                throw PackageFinding(.incomplete, place, "the archive ends early")
            }
            if header.allSatisfy({ $0 == 0 }) { return members }
            var summed = header
            for at in 148..<156 { summed[at] = 0x20 }
            guard number(header[148..<156]) == summed.reduce(0, { $0 + Int64($1) }), let bytes = number(header[124..<136]), bytes >= 0
            else {
                throw PackageFinding(.tampered, place, "a header of the archive is damaged")
            }
            func text(_ range: Range<Int>) -> String { String(decoding: header[range].prefix { $0 != 0 }, as: UTF8.self) }
            var name = text(345..<500).isEmpty || text(257..<262) != "ustar" ? text(0..<100) : text(345..<500) + "/" + text(0..<100)
            if name.hasPrefix("./") { name.removeFirst(2) }
            switch header[156] {
            case 0, UInt8(ascii: "0"):
                guard !members.contains(where: { $0.name == name }) else {
                    throw PackageFinding(.tampered, place, "\(name) is in the archive twice")
                }
                members.append((name, offset + Int64(block), bytes))
            case UInt8(ascii: "5"): break
            default: throw PackageFinding(.tampered, place, "\(name) is neither file nor folder")
            }
            guard members.count <= PackageReader.maximumFiles else {
                throw PackageFinding(.tampered, place, "the archive has too many files")
            }
            offset += Int64(block) + (bytes + Int64(block) - 1) / Int64(block) * Int64(block)
        }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        if first == 0x80 { return field.dropFirst().suffix(8).reduce(0) { $0 << 8 | Int64($1) } }
        let text = String(decoding: field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }, as: UTF8.self)
        return Int64(text.isEmpty ? "0" : text, radix: 8)
    }

    private static func failure(_ path: String) -> StoreError {
        StoreError(.file, "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
