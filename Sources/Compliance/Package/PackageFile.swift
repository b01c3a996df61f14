import AuditEvents
import Crypto
import EventStore
import Glibc

/// A file of a package while it is written: hashed as it grows, and continued where an interrupted export left it.
struct PackageFile: ~Copyable {
    let path: String
    private let folder: String
    private let descriptor: Int32
    private var hash: SHA256
    private(set) var bytes: Int64
    private(set) var records: Int?
    private var buffer: [UInt8] = []

    /// - Parameters:
    ///   - path: within the package.
    ///   - kept: how much of what lies there is kept, and the records in it.
    init(_ path: String, in folder: String, kept: (bytes: Int64, records: Int?)? = nil, hasRecords: Bool = false) throws {
        let full = "\(folder)/\(path)"
        try Files.makeFolders(for: full)
        let opened = open(full, O_RDWR | O_CREAT | O_CLOEXEC | (kept == nil ? O_TRUNC : 0), 0o644)
        guard opened >= 0 else { throw PackageFile.failure(full) }
        var (hash, bytes) = (SHA256(), Int64(0))
        if let kept {
            do { bytes = try PackageFile.keep(kept.bytes, of: opened, full, &hash) } catch {
                close(opened)
                throw error
            }
        }
        (self.path, self.folder, descriptor) = (path, folder, opened)
        (self.hash, self.bytes) = (hash, bytes)
        records = hasRecords ? kept?.records ?? 0 : nil
    }

    /// Cuts off what comes behind, and hashes the rest.
    private static func keep(_ length: Int64, of descriptor: Int32, _ path: String, _ hash: inout SHA256) throws -> Int64 {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw failure(path) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var bytes: Int64 = 0
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw failure(path) }
            if count == 0 { break }
            hash.update(data: chunk[..<count])
            bytes += Int64(count)
        }
        guard bytes == length else {
            throw StoreError(.file, "\(path) is shorter than it was", hint: "Begin anew: remove the .partial folder.")
        }
        return bytes
    }

    deinit { close(descriptor) }

    mutating func append(_ data: [UInt8], records count: Int = 0) throws {
        hash.update(data: data)
        bytes += Int64(data.count)
        if let records { self.records = records + count }
        buffer += data
        if buffer.count >= 1 << 20 { try flush() }
    }

    /// Hands everything to the operating system.
    mutating func flush() throws {
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, buffer.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PackageFile.failure("\(folder)/\(path)") }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Ends the file, on the disk.
    consuming func finish() throws -> ExportManifest.File {
        try flush()
        guard fsync(descriptor) == 0 else { throw PackageFile.failure("\(folder)/\(path)") }
        return ExportManifest.File(path: path, bytes: bytes, sha256: Hexadecimal.encode(Array(hash.finalize())), records: records)
    }

    private static func failure(_ path: String) -> StoreError {
        StoreError(.file, "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
