import AuditEvents
import Glibc
public import PostgreSQL

/// Stores what waits in the spools of a home, so that an erasure meets it on the record and none of it comes back afterwards.
public struct SpoolDrain: Sendable {
    /// What is left after draining.
    public struct Rest: Sendable, Hashable {
        /// Events that were stored.
        public var stored = 0
        /// Files of processes that run and replay them by themselves.
        public var busy: [String] = []
        /// Files that were set aside as damaged, and hold what was asked for in clear.
        public var damaged: [String] = []
    }

    private let appender: Appender
    private let directory: String
    private let limit: Int

    /// - Parameters:
    ///   - pool: connections of a role that may append.
    ///   - directory: the spool's folder, as `StoreConfiguration` names it.
    public init(_ pool: PostgresPool, directory: String, limit: Int) {
        (appender, self.directory, self.limit) = (Appender(pool), directory, limit)
    }

    /// Stores every event that no running process holds, and looks for `subject` in what was set aside.
    ///
    /// - Throws: `StoreError` with `.spool` where a file cannot be read; `PostgresError` where the database refuses an event.
    public func run(lookingFor subject: String) async throws -> Rest {
        var rest = Rest()
        guard access(directory, F_OK) == 0 else { return rest }
        let spool = try await Spool.open(directory: directory, limit: limit)
        let result: Result<Int, any Error>
        do { result = .success(try await drain(spool)) } catch { result = .failure(error) }
        try await spool.close()
        rest.stored = try result.get()
        let needles = [Array(subject.utf8), Array(CanonicalJSON.encode(.string(subject)).dropFirst().dropLast())]
        for file in try SpoolFiles.leftovers(below: directory) {
            if file.hasSuffix(".spool") {
                rest.busy.append(file)
            } else if try SpoolFiles.holds(file, anyOf: needles) {
                rest.damaged.append(file)
            }
        }
        return rest
    }

    private func drain(_ spool: Spool) async throws -> Int {
        var stored = 0
        while !spool.isEmpty {
            let events = try await spool.peek(500)
            if events.isEmpty { break }
            stored += try await appender.append(events)
            try await spool.confirm()
        }
        return stored
    }
}
