import AuditEvents
import AuditTesting
import Glibc
import PostgreSQL
import Testing

@testable import EventStore

/// A folder under /tmp that goes away with the test.
func withFolder(_ body: (String) async throws -> Void) async throws {
    let path = "/tmp/cardea-spool-\(getpid())-\(UInt64.random(in: 0..<(1 << 40)))"
    try #require(mkdir(path, 0o700) == 0)
    do { try await body(path) } catch {
        remove(tree: path)
        throw error
    }
    remove(tree: path)
}

private func remove(tree path: String) {
    for name in names(in: path) {
        if unlink("\(path)/\(name)") != 0 { remove(tree: "\(path)/\(name)") }
    }
    rmdir(path)
}

func names(in path: String) -> [String] {
    guard let handle = opendir(path) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

private func read(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}

/// Everything that a spool gives, `count` at a time.
private func drain(_ files: inout SpoolFiles, by count: Int = 100) throws -> [EncodedEvent] {
    var all: [EncodedEvent] = []
    while true {
        let part = try files.peek(count)
        if part.isEmpty { return all }
        all += part
        files.confirm()
    }
}

/// `#expect` takes its operands apart, which a type that cannot be copied does not allow.
private func expect(_ condition: Bool, _ location: SourceLocation = #_sourceLocation) { #expect(condition, sourceLocation: location) }

@Suite("The spool")
struct SpoolTests {
    private static let segment = "/0/000000000001.spool"

    /// One segment with these events, written by a process that is gone.
    private func prepare(_ root: String, _ events: [EncodedEvent]) throws {
        var files = try SpoolFiles(root: root, limit: 1 << 20)
        try #require(try files.append(events))
    }

    @Test("gives back byte for byte what went in, in order, over restarts and in pieces of any size", arguments: [1, 7, 1000])
    func roundTrip(piece: Int) async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(25, tenant: "ü\u{0}\r\n"))
            for start in stride(from: 0, to: 25, by: 5) {
                var files = try SpoolFiles(root: root, limit: 1 << 20)
                try expect(files.append(Array(all[start..<(start + 5)])))
            }
            var files = try SpoolFiles(root: root, limit: 1 << 20)
            let found = try drain(&files, by: piece)
            #expect(found == all)
            expect(files.isEmpty && files.bytes == 0 && names(in: root + "/0") == ["lock"])
        }
    }

    @Test("what was not confirmed comes again")
    func unconfirmed() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(10))
            try prepare(root, all)
            do {
                var files = try SpoolFiles(root: root, limit: 1 << 20)
                try expect(files.peek(4) == Array(all[..<4]))
                try expect(files.peek(4) == Array(all[..<4]))
            }
            var files = try SpoolFiles(root: root, limit: 1 << 20)
            try expect(drain(&files) == all)
        }
    }

    @Test("refuses what its bound has no room for, writes nothing of it, and takes it once there is room")
    func bound() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(200))
            var files = try SpoolFiles(root: root, limit: 16_384)
            var accepted: [EncodedEvent] = []
            for event in all where try files.append([event]) { accepted.append(event) }
            expect(accepted.count < 200 && !accepted.isEmpty && files.bytes <= 16_384)
            try expect(drain(&files) == accepted)
            try expect(files.append([all[199]]))
        }
    }

    @Test("torn at any byte of its last frame, it gives every whole event and keeps the rest aside")
    func tornTail() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(3))
            try prepare(root, all)
            let whole = try read(root + Self.segment)
            let (_, second) = try #require(SpoolRecord.decode(whole, at: 0))
            let (_, third) = try #require(SpoolRecord.decode(whole, at: second))
            for cut in third..<whole.count {
                let folder = "\(root)/cut-\(cut)"
                mkdir(folder, 0o700)
                mkdir(folder + "/0", 0o700)
                try write(Array(whole[..<cut]), to: folder + Self.segment)
                var files = try SpoolFiles(root: folder, limit: 1 << 20)
                let found = try drain(&files, by: 2)
                #expect(found == Array(all[..<2]), "cut at \(cut)")
                expect(files.isEmpty)
                #expect(names(in: folder + "/0").contains { $0.hasSuffix(".damaged") } == (cut > third), "cut at \(cut)")
            }
        }
    }

    @Test("damage in the middle costs the frames it hits, and its segment is kept")
    func damage() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(5))
            try prepare(root, all)
            let whole = try read(root + Self.segment)
            let (_, second) = try #require(SpoolRecord.decode(whole, at: 0))
            // In its length, its checksum, its payload.
            for (number, place) in [second, second + 3, second + 5, second + 100].enumerated() {
                let folder = "\(root)/damage-\(number)"
                mkdir(folder, 0o700)
                mkdir(folder + "/0", 0o700)
                var bytes = whole
                bytes[place] ^= 0x55
                try write(bytes, to: folder + Self.segment)
                var files = try SpoolFiles(root: folder, limit: 1 << 20)
                let found = try drain(&files, by: 2)
                #expect(found == [all[0]] + all[2...], "at \(place)")
                #expect(names(in: folder + "/0") == ["000000000001.spool.damaged", "lock"])
                expect(files.damaged > 0)
                // The name is not given again, so that later damage does not push this one out.
                try expect(files.append([all[0]]))
                #expect(names(in: folder + "/0").contains("000000000002.spool"))
            }
        }
    }

    @Test("junk in place of a segment stops nothing", arguments: 0..<8 as Range<UInt64>)
    func junk(seed: UInt64) async throws {
        try await withFolder { (root) async throws in
            var random = SeededGenerator(seed: seed)
            let all = try encoded(events(2))
            try prepare(root, all)
            let whole = try read(root + Self.segment)
            let noise = (0..<Int.random(in: 0..<4000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            try write(noise + whole, to: root + Self.segment)
            var files = try SpoolFiles(root: root, limit: 1 << 20)
            try expect(drain(&files) == all)
        }
    }

    @Test("two stores below one folder keep apart, and what a dead one left is taken over")
    func shared() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(9))
            do {
                var first = try SpoolFiles(root: root, limit: 1 << 20)
                var second = try SpoolFiles(root: root, limit: 1 << 20)
                expect(first.directory != second.directory)
                try expect(first.append(Array(all[..<3])))
                try expect(second.append(Array(all[3..<6])))
            }
            var third = try SpoolFiles(root: root, limit: 1 << 20)
            try expect(third.append(Array(all[6...])))
            try expect(Set(drain(&third)) == Set(all))
        }
    }

    @Test("a closed spool gives its folder and its events to the next at once, and takes nothing more")
    func closed() async throws {
        try await withFolder { (root) async throws in
            let all = try encoded(events(9))
            let first = try await Spool.open(directory: root, limit: 1 << 20)
            let before = try await first.append(Array(all[..<6]))
            _ = try await first.peek(3)
            try await first.close()
            let after = try await first.append(Array(all[6...]))
            try await first.confirm()
            let left = try await first.peek(9)
            #expect(before && !after && left.isEmpty)
            var next = try SpoolFiles(root: root, limit: 1 << 20)
            let directory = next.directory
            #expect(directory == root + "/0")
            try expect(drain(&next) == Array(all[..<6]))
            try await first.close()
        }
    }

    @Test("a folder that cannot be made is a clear error")
    func unwritable() throws {
        var code: StoreError.Code?
        do throws(StoreError) { _ = try SpoolFiles(root: "/proc/no/such", limit: 1) } catch { code = error.code }
        #expect(code == .spool)
    }

    @Test("a full disk takes nothing more, loses nothing it took, and goes on when there is room again")
    func fullDisk() async throws {
        try await withFolder { (root) async throws in
            guard mount("tmpfs", root, "tmpfs", 0, "size=128k") == 0 else {
                print("skipped: a small file system needs root to be mounted")
                return
            }
            defer { umount2(root, Int32(detach)) }
            let all = try encoded(events(2000))
            var files = try SpoolFiles(root: root, limit: 1 << 30)
            var accepted: [EncodedEvent] = []
            var refusals = 0
            for start in stride(from: 0, to: all.count, by: 10) {
                let batch = Array(all[start..<(start + 10)])
                if try files.append(batch) { accepted += batch } else { refusals += 1 }
            }
            #expect(refusals > 0 && !accepted.isEmpty)
            try expect(drain(&files) == accepted)
            try expect(files.append(Array(all[..<10])))
        }
    }
}

private let detach = 2
