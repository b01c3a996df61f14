import Glibc

/// Rule files as a command names them: files, and folders with all `.yml` and `.yaml` files beneath.
enum RuleFiles {
    typealias File = (name: String, yaml: [UInt8])
    /// A file as it looks from outside.
    struct Stamp: Hashable {
        var path: String
        var size: Int64
        var changed: Int64
        var inode: UInt64

        /// Nil where there is no such file.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(path, status)
        }

        init(_ path: String, _ status: stat) {
            self.path = path
            size = Int64(status.st_size)
            changed = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
            inode = UInt64(status.st_ino)
        }
    }
    /// How many files are read at most, and how many folders deep.
    static let maximumCount = 10_000
    static let maximumDepth = 16
    /// How many bytes all of them have at most: they are held together.
    static let maximumTotal = 64 << 20
    /// One byte more than a rule file may have, so that a longer one is known as such.
    private static let maximumBytes = (1 << 20) + 1

    /// The files' contents, those of a folder in the order of their names.
    /// - Throws: `Failure` for what is not there or no rule file, for none at all, and for too many or too much.
    static func read(_ paths: [String]) throws -> [File] {
        var (files, total) = ([File](), 0)
        for path in paths { try read(path, depth: 0, isNamed: true, into: &files, &total) }
        guard !files.isEmpty else { throw Failure("there is no rule file there", hint: "Rule files end in .yml or .yaml.") }
        return files
    }

    /// The rule files of a folder and beneath it; there may be none.
    static func inFolder(_ folder: String) throws -> [File] {
        var (files, total) = ([File](), 0)
        try read(folder, depth: 0, isNamed: false, into: &files, &total)
        return files
    }

    /// The rule files of a folder as they look, without reading them.
    static func stamps(inFolder folder: String, depth: Int = 0) throws -> [Stamp] {
        var stamps: [Stamp] = []
        for name in try names(in: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0, stamps.count < maximumCount else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                if depth < maximumDepth { stamps += try self.stamps(inFolder: path, depth: depth + 1) }
            } else if path.hasSuffix(".yml") || path.hasSuffix(".yaml") {
                stamps.append(Stamp(path, status))
            }
        }
        return stamps
    }

    private static func read(_ path: String, depth: Int, isNamed: Bool, into files: inout [File], _ total: inout Int) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure("\(RowPrinter.visible(path)): \(String(cString: strerror(errno)))")
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            guard depth < maximumDepth else { throw Failure("\(RowPrinter.visible(path)): more than \(maximumDepth) folders deep") }
            for name in try names(in: path) {
                try read("\(path.hasSuffix("/") ? path : path + "/")\(name)", depth: depth + 1, isNamed: false, into: &files, &total)
            }
            return
        }
        guard isNamed || path.hasSuffix(".yml") || path.hasSuffix(".yaml") else { return }
        // A pipe or a device may never end.
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure("\(RowPrinter.visible(path)) is no regular file") }
        guard files.count < maximumCount else { throw Failure("there are more than \(maximumCount) rule files", hint: "Name fewer.") }
        files.append((path, try contents(of: path)))
        total += files[files.count - 1].yaml.count
        guard total <= maximumTotal else { throw Failure("the rule files have more than \(maximumTotal >> 20) MB", hint: "Name fewer.") }
    }

    private static func names(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw Failure("\(RowPrinter.visible(folder)): \(String(cString: strerror(errno)))") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// At most `maximum` bytes of a file.
    static func contents(of path: String, maximum: Int = maximumBytes) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure("\(RowPrinter.visible(path)): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < maximum {
            let size = min(1 << 20, maximum - bytes.count)
            var got = 0
            let part = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                got = Glibc.read(descriptor, buffer.baseAddress, size)
                count = max(0, got)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Failure("\(RowPrinter.visible(path)): \(String(cString: strerror(errno)))") }
            if got == 0 { break }
            bytes += part
        }
        return bytes
    }
}
