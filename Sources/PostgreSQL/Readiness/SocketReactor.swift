import CLibpq
import Glibc
import Synchronization

/// One thread for the whole process that sleeps in epoll and wakes the tasks whose sockets became ready.
///
/// All libpq calls are made by the waiting task itself, in non-blocking mode; this thread only says when to go on.
final class SocketReactor: Sendable {
    static let shared = SocketReactor()

    private let epoll: Int32
    private let watches = Mutex<[UInt64: SocketWatch]>([:])
    private let nextIdentifier = Atomic<UInt64>(1)

    private init() {
        epoll = epoll_create1(0o2000000)  // EPOLL_CLOEXEC
    }

    private let started = Mutex(false)

    private func startOnce() throws {
        try started.withLock { started in
            guard !started else { return }
            guard epoll >= 0 else { throw PostgresError(.connection, "the system refused an epoll instance") }
            try BlockingCall.start("postgres-io") { [self] in run() }
            started = true
        }
    }

    /// Watches a socket. The watch keeps a duplicate descriptor of its own: libpq closes its one whenever it likes, and a number
    /// that the system has given to another connection meanwhile must never be armed or shut down by mistake.
    func watch(_ socket: Int32) throws -> SocketWatch {
        try startOnce()
        let duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else {
            throw PostgresError(.connection, "the system refused a file descriptor: \(String(cString: strerror(errno)))")
        }
        let identifier = nextIdentifier.add(1, ordering: .relaxed).oldValue
        let watch = SocketWatch(descriptor: duplicate, identifier: identifier, reactor: self)
        watches.withLock { $0[identifier] = watch }
        var event = epoll_event()
        event.events = EPOLLONESHOT.rawValue
        event.data.u64 = identifier
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, duplicate, &event) == 0 else {
            let reason = String(cString: strerror(errno))
            watch.close()
            throw PostgresError(.connection, "epoll refused the socket: \(reason)")
        }
        return watch
    }

    /// Asks for one wake-up.
    func arm(_ watch: SocketWatch, for interest: SocketInterest) -> Bool {
        var event = epoll_event()
        event.events = interest.events | EPOLLONESHOT.rawValue
        event.data.u64 = watch.identifier
        return epoll_ctl(epoll, EPOLL_CTL_MOD, watch.descriptor, &event) == 0
    }

    func forget(_ watch: SocketWatch) {
        watches.withLock { _ = $0.removeValue(forKey: watch.identifier) }
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, watch.descriptor, &event)
    }

    private func run() {
        let capacity = 64
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: capacity) { events in
            guard let base = events.baseAddress else { return }
            while true {
                let count = epoll_wait(epoll, base, Int32(capacity), -1)
                guard count > 0 else { continue }  // EINTR
                for index in 0..<Int(count) {
                    let identifier = base[index].data.u64
                    watches.withLock { $0[identifier] }?.wake()
                }
            }
        }
    }
}

/// What a task waits for.
struct SocketInterest: Sendable {
    let events: UInt32
    static let read = Self(events: EPOLLIN.rawValue | EPOLLRDHUP.rawValue)
    static let readOrWrite = Self(events: EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLOUT.rawValue)
}
