import Glibc

/// The right to change a cluster, held by one process at a time; the kernel takes it back from one that dies.
enum ClusterLock {
    /// Waits for whoever is at work, then runs `body`. Blocks.
    static func hold<R>(_ path: String, patience: Duration = .seconds(300), _ body: () throws -> R) throws -> R {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ClusterLayout.failure(path, "cannot be opened") }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw ClusterLayout.failure(path, "cannot be locked") }
            guard ContinuousClock.now < deadline else {
                throw PostgresError(.cluster, "another process has held \(path) for \(patience)")
            }
            usleep(20_000)
        }
        return try body()
    }
}
