import AuditEvents
import Dispatch
import Synchronization

/// Where events wait on disk while the database is away: bounded, fsynced, replayed in order.
///
/// File work happens on a queue of its own, so that a slow disk blocks no task.
final class Spool: Sendable {
    private let queue = DispatchQueue(label: "cardea.spool")
    private let files: Mutex<SpoolFiles>
    private let empty: Atomic<Bool>

    /// Opens the spool below `directory`, with whatever an earlier process left there.
    static func open(directory: String, limit: Int) async throws -> Spool {
        try await offPool(DispatchQueue(label: "cardea.spool.open")) { () throws(StoreError) in
            Spool(try SpoolFiles(root: directory, limit: limit))
        }
    }

    private init(_ files: consuming SpoolFiles) {
        empty = Atomic(files.isEmpty)
        self.files = Mutex(files)
    }

    /// Whether nothing waits here.
    var isEmpty: Bool { empty.load(ordering: .acquiring) }

    /// The bytes on disk, and those set aside as damaged.
    var usage: (bytes: Int, damaged: Int) { files.withLock { ($0.bytes, $0.damaged) } }

    /// Writes and fsyncs `events`; false where there is no room.
    func append(_ events: [EncodedEvent]) async throws -> Bool {
        try await run { files throws(StoreError) in try files.append(events) }
    }

    /// The oldest events, at most `count`, left in place until `confirm`.
    func peek(_ count: Int) async throws -> [EncodedEvent] {
        try await run { files throws(StoreError) in try files.peek(count) }
    }

    /// Takes the events of the last `peek` off.
    func confirm() async throws {
        try await run { files throws(StoreError) in files.confirm() }
    }

    /// Gives the folder free for the next process or store. Whoever still holds the spool can put nothing into it any more.
    func close() async throws {
        try await run { files throws(StoreError) in files.leave() }
    }

    private func run<R: Sendable>(_ body: @escaping @Sendable (inout SpoolFiles) throws(StoreError) -> R) async throws -> R {
        try await Spool.offPool(queue) { [self] () throws(StoreError) in
            try files.withLock { (files) throws(StoreError) in
                let result = try body(&files)
                empty.store(files.isEmpty, ordering: .releasing)
                return result
            }
        }
    }

    private static func offPool<R: Sendable>(
        _ queue: DispatchQueue, _ body: @escaping @Sendable () throws(StoreError) -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                do throws(StoreError) { continuation.resume(returning: try body()) } catch { continuation.resume(throwing: error) }
            }
        }
    }
}
