import Glibc
import Logging
public import PostgreSQL

/// A whole server of one test's own, which it may kill.
public struct TestCluster: Sendable {
    public let cluster: PrivateCluster
    public let home: String

    /// Starts the server if it does not run, and gives its URL.
    @discardableResult
    public func start() async throws -> String {
        try await cluster.start()
    }

    /// Ends the postmaster with SIGKILL, as the kernel does when memory runs out, and waits until it is gone. Its children may live on
    /// for a moment.
    public func crash() async throws {
        guard let pid = try await cluster.status().pid else { return }
        kill(pid, SIGKILL)
        while try await cluster.status().state == .running { try await Task.sleep(for: .milliseconds(2)) }
    }
}

/// Runs `body` with a new cluster under a folder of its own (not yet started), and removes both afterwards.
public func withTestCluster<R: Sendable>(
    home: String? = nil, settings: [(name: String, value: String)] = [], _ body: (TestCluster) async throws -> R
) async throws -> R {
    let root = "/tmp/cardea-cluster-\(getpid())-\(UInt64.random(in: 0..<(1 << 40)))"
    guard mkdir(root, 0o711) == 0 else { throw PostgresError(.cluster, "\(root) cannot be made") }
    let place = home.map { "\(root)/\($0)" } ?? root
    let cluster = PrivateCluster(home: place, settings: settings, logger: .quiet)
    let outcome: Result<R, any Error>
    do {
        outcome = .success(try await body(TestCluster(cluster: cluster, home: place)))
    } catch {
        outcome = .failure(error)
    }
    try await Task {
        try await cluster.remove()
    }.value
    removeTree(root)
    return try outcome.get()
}

private func removeTree(_ path: String) {
    guard let folder = opendir(path) else {
        unlink(path)
        return
    }
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        let inner = "\(path)/\(name)"
        if entry.pointee.d_type == UInt8(DT_DIR) { removeTree(inner) } else { unlink(inner) }
    }
    closedir(folder)
    rmdir(path)
}
