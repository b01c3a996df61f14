import AuditEvents
import Glibc

/// The files of a spool: numbered segments in one folder, written by one process (flock), fsynced with every append.
///
/// Blocking; `Spool` calls it off the cooperative pool.
struct SpoolFiles: ~Copyable {
    static let segmentBytes = 8 << 20

    let directory: String
    private let limit: Int
    /// -1 once left.
    private var lock: Int32
    /// Numbers of the segments on disk, oldest first.
    private(set) var segments: [Int]
    private var sizes: [Int: Int] = [:]
    private var active: (number: Int, descriptor: Int32)?
    /// The oldest segment as read into memory, and how far it was confirmed.
    private var reading: (number: Int, bytes: [UInt8], offset: Int)?
    private(set) var damaged = 0
    /// The highest number of a segment that was set aside; none is given twice, lest one push out another.
    private var setAside: Int

    /// Opens the first free of the numbered folders below `root`, and takes over what dead processes left in the others.
    init(root: String, limit: Int) throws(StoreError) {
        let (path, descriptor, orphans) = try SpoolFiles.claim(root)
        directory = path
        lock = descriptor
        self.limit = limit
        segments = SpoolFiles.numbers(in: path)
        setAside = SpoolFiles.numbers(in: path, suffix: ".spool.damaged").last ?? 0
        for (orphan, orphanLock) in orphans {
            for number in SpoolFiles.numbers(in: orphan) {
                let next = max(segments.last ?? 0, setAside) + 1
                if rename(SpoolFiles.file(orphan, number), SpoolFiles.file(path, next)) == 0 { segments.append(next) }
            }
            SpoolFiles.release(orphanLock)
        }
        // A segment is durable when its name is, and that of its folder.
        if !orphans.isEmpty { SpoolFiles.syncDirectory(path) }
        SpoolFiles.syncDirectory(root)
        for number in segments { sizes[number] = SpoolFiles.size(of: SpoolFiles.file(path, number)) }
    }

    deinit {
        if let active { close(active.descriptor) }
        if lock >= 0 { SpoolFiles.release(lock) }
    }

    /// Leaves the folder, and what is in it, to the next one; afterwards nothing is taken and nothing is given.
    mutating func leave() {
        closeActive()
        if lock >= 0 { SpoolFiles.release(lock) }
        lock = -1
    }

    /// Unlocks before closing: a child that another thread is just starting has a copy of the descriptor until it runs its program.
    private static func release(_ lock: Int32) {
        flock(lock, LOCK_UN)
        close(lock)
    }

    /// Locks the first free folder below `root`, and those behind it whose processes are dead.
    private static func claim(_ root: String) throws(StoreError) -> (path: String, lock: Int32, orphans: [(String, Int32)]) {
        try makeDirectory(root)
        var claimed: [(String, Int32)] = []
        do throws(StoreError) {
            for number in 0..<256 {
                let path = root + "/\(number)"
                if !claimed.isEmpty, access(path, F_OK) != 0 { break }
                try makeDirectory(path)
                let descriptor = open(path + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
                guard descriptor >= 0 else { throw failure("open \(path)/lock") }
                guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                    close(descriptor)
                    continue
                }
                claimed.append((path, descriptor))
            }
            guard let (path, lock) = claimed.first else {
                throw StoreError(
                    .spool, "every spool folder below \(root) is in use", hint: "End processes that share it, or give each a folder.")
            }
            return (path, lock, Array(claimed.dropFirst()))
        } catch {
            for (_, descriptor) in claimed { release(descriptor) }
            throw error
        }
    }

    var bytes: Int { sizes.values.reduce(0, +) }
    var isEmpty: Bool { segments.isEmpty }

    /// Appends and fsyncs; false, and nothing written, where the bound or the disk has no room.
    mutating func append(_ events: [EncodedEvent]) throws(StoreError) -> Bool {
        guard lock >= 0 else { return false }
        var frames: [UInt8] = []
        for event in events { SpoolRecord.encode(event, into: &frames) }
        guard bytes + frames.count <= limit else { return false }
        if let current = active, sizes[current.number, default: 0] >= SpoolFiles.segmentBytes { closeActive() }
        if active == nil {
            let number = max(segments.last ?? 0, setAside) + 1
            let path = SpoolFiles.file(directory, number)
            let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                if errno == ENOSPC || errno == EDQUOT { return false }
                throw SpoolFiles.failure("open \(path)")
            }
            active = (number, descriptor)
            segments.append(number)
            sizes[number] = 0
            SpoolFiles.syncDirectory(directory)
        }
        guard let active else { return false }
        let start = sizes[active.number, default: 0]
        var written = 0
        while written < frames.count {
            let count = frames.withUnsafeBytes { write(active.descriptor, $0.baseAddress.map { $0 + written }, frames.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                let code = errno
                takeBack(to: start)
                if code == ENOSPC || code == EDQUOT || code == EFBIG { return false }
                throw SpoolFiles.failure("write the spool", code)
            }
            written += count
        }
        guard fdatasync(active.descriptor) == 0 else {
            let code = errno
            takeBack(to: start)
            // What the kernel did not write it does not try again: this file is trusted no further.
            closeActive()
            if code == ENOSPC || code == EDQUOT { return false }
            throw SpoolFiles.failure("fsync the spool", code)
        }
        sizes[active.number] = start + frames.count
        return true
    }

    /// Undoes an append that failed. Where that fails too, its piece stays at the end of its segment, and nothing is written behind it.
    private mutating func takeBack(to start: Int) {
        guard let current = active, ftruncate(current.descriptor, off_t(start)) != 0 else { return }
        sizes[current.number] = SpoolFiles.size(of: SpoolFiles.file(directory, current.number))
        closeActive()
    }

    /// The oldest events, at most `count`, without taking them off. Damage is passed over where whole
    /// frames follow it, and its segment kept as `.damaged`.
    mutating func peek(_ count: Int) throws(StoreError) -> [EncodedEvent] {
        while lock >= 0, let oldest = segments.first {
            if active?.number == oldest { closeActive() }
            if reading?.number != oldest {
                reading = (oldest, try SpoolFiles.read(SpoolFiles.file(directory, oldest)), 0)
            }
            guard let current = reading else { return [] }
            var events: [EncodedEvent] = []
            var offset = current.offset
            var skipped = 0
            while events.count < count {
                if let (event, next) = SpoolRecord.decode(current.bytes, at: offset) {
                    events.append(event)
                    offset = next
                } else if let next = SpoolRecord.next(in: current.bytes, after: offset) {
                    skipped += next - offset
                    offset = next
                } else {
                    break
                }
            }
            if !events.isEmpty {
                pending = (offset, skipped)
                return events
            }
            dropOldest(rest: current.bytes.count - offset + skipped + lost)
        }
        return []
    }

    /// Where the last `peek` ended, and how many damaged bytes it passed over.
    private var pending = (offset: 0, skipped: 0)
    /// Damaged bytes that were passed over in the oldest segment.
    private var lost = 0

    /// Takes the events of the last `peek` off.
    mutating func confirm() {
        guard lock >= 0, let current = reading else { return }
        reading = (current.number, current.bytes, pending.offset)
        lost += pending.skipped
        pending.skipped = 0
        if pending.offset >= current.bytes.count { dropOldest(rest: lost) }
    }

    private mutating func dropOldest(rest: Int) {
        guard let oldest = segments.first else { return }
        let path = SpoolFiles.file(directory, oldest)
        if rest > 0 {
            damaged += rest
            rename(path, path + ".damaged")
            setAside = max(setAside, oldest)
        } else {
            unlink(path)
        }
        segments.removeFirst()
        sizes[oldest] = nil
        reading = nil
        lost = 0
        SpoolFiles.syncDirectory(directory)
    }

    private mutating func closeActive() {
        if let active { close(active.descriptor) }
        active = nil
    }

    static func file(_ directory: String, _ number: Int) -> String {
        let digits = String(number)
        return directory + "/" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ".spool"
    }

    static func numbers(in directory: String, suffix: String = ".spool") -> [Int] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var numbers: [Int] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix), let number = Int(name.dropLast(suffix.utf8.count)) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    private static func makeDirectory(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw failure("make the folder \(path)") }
    }

    private static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func read(_ path: String) throws(StoreError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: size(of: path))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read \(path)") }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    private static func syncDirectory(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ act: String, _ code: Int32 = errno) -> StoreError {
        StoreError(
            .spool, "cannot \(act): \(String(cString: strerror(code)))", hint: "Give the spool a writable folder with room on its disk.")
    }
}
