import Glibc

/// The files of a package, in a folder or in a tar.
final class PackageReader {
    static let maximumFiles = 10_000
    /// Files that are read as a whole are no larger.
    static let maximumWhole: Int64 = 16 << 20

    private let path: String
    /// The archive's; nil for a folder.
    private let archive: Int32?
    private let members: [String: (offset: Int64, bytes: Int64)]

    /// - Throws: `PackageFinding`.
    init(_ path: String) throws {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else { throw PackageFinding(.incomplete, path, "there is no such file or folder") }
        if status.st_mode & S_IFMT == S_IFDIR {
            archive = nil
            var members: [String: (offset: Int64, bytes: Int64)] = [:]
            try PackageReader.walk(path, "", &members)
            self.members = members
            return
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PackageFinding(.incomplete, path, String(cString: strerror(errno))) }
        archive = descriptor
        do {
            members = try Dictionary(
                uniqueKeysWithValues: TarArchive.members(descriptor, path).map { ($0.name, ($0.offset, $0.bytes)) })
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { if let archive { close(archive) } }

    private static func walk(_ root: String, _ folder: String, _ members: inout [String: (offset: Int64, bytes: Int64)]) throws {
        guard let handle = opendir(root + "/" + folder) else { throw PackageFinding(.incomplete, folder, String(cString: strerror(errno))) }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            let inner = folder.isEmpty ? name : folder + "/" + name
            var status = stat()
            // Not through links: what is verified is what is handed on.
            guard lstat(root + "/" + inner, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try walk(root, inner, &members)
            case S_IFREG: members[inner] = (0, Int64(status.st_size))
            default: throw PackageFinding(.tampered, inner, "it is neither file nor folder")
            }
            guard members.count <= maximumFiles else { throw PackageFinding(.tampered, root, "the package has too many files") }
        }
    }

    var names: [String] { members.keys.sorted() }
    func bytes(of name: String) -> Int64? { members[name]?.bytes }

    /// The whole of a small file.
    ///
    /// - Throws: `PackageFinding` with `.incomplete` where it is missing.
    func whole(_ name: String) throws -> [UInt8] {
        guard let member = members[name] else { throw PackageFinding(.incomplete, name, "the file is missing") }
        guard member.bytes <= PackageReader.maximumWhole else {
            throw PackageFinding(.tampered, name, "the file is far larger than it can be")
        }
        var bytes: [UInt8] = []
        try chunks(name) { bytes += $0 }
        return bytes
    }

    /// The file's bytes, piece by piece.
    func chunks(_ name: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        guard let member = members[name] else { throw PackageFinding(.incomplete, name, "the file is missing") }
        var descriptor = archive ?? -1
        if archive == nil {
            descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw PackageFinding(.incomplete, name, String(cString: strerror(errno))) }
        }
        defer { if archive == nil { close(descriptor) } }
        var offset = member.offset
        let end = member.offset + member.bytes
        while offset < end {
            guard let chunk = try PackageReader.read(descriptor, at: offset, count: Int(min(1 << 20, end - offset))), !chunk.isEmpty else {
                throw PackageFinding(.incomplete, name, "the file ends early")
            }
            try body(chunk[...])
            offset += Int64(chunk.count)
        }
    }

    /// Up to `count` bytes at an offset; nil at the end.
    static func read(_ descriptor: Int32, at offset: Int64, count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + off_t(filled))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw PackageFinding(.incomplete, "the package", String(cString: strerror(errno))) }
            if got == 0 { break }
            filled += got
        }
        if filled == 0 { return nil }
        return filled == count ? bytes : Array(bytes[..<filled])
    }
}
