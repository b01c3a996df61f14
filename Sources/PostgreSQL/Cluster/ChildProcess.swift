import CLibpq
import Glibc

/// Runs a program to its end. Blocks; belongs on a thread of its own.
///
/// The child gets its own session, so that Ctrl-C on our terminal does not reach the server; default signal handling; none of our
/// file descriptors, or a server would keep our listening sockets open; and a small fixed environment.
enum ChildProcess {
    struct Outcome {
        /// The exit status, or 128 plus the signal that ended it.
        let status: Int32
        /// Standard output and standard error, the first 64 KiB.
        let output: String
    }

    static func run(_ arguments: [String], as account: ServerAccount? = nil, in folder: String = "/") throws -> Outcome {
        let command = (account?.commandPrefix ?? []) + arguments
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure(command, errno) }
        let (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(reading) }
        let process: pid_t
        do {
            defer { close(writing) }
            process = try spawn(command, output: writing, in: folder)
        }
        let output = readAll(reading)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw failure(command, errno) }
        }
        let signal = status & 0x7f
        return Outcome(status: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: output)
    }

    /// As `run`, and throws what the program printed when it fails.
    static func check(_ arguments: [String], as account: ServerAccount? = nil, in folder: String = "/") throws {
        let outcome = try run(arguments, as: account, in: folder)
        guard outcome.status == 0 else {
            let name = arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
            throw PostgresError(.cluster, "\(name) ended with status \(outcome.status): \(PostgresError.trimmed(outcome.output))")
        }
    }

    /// The full path of a program on the PATH, or in the folders of system programs that an ordinary user's PATH lacks.
    static func find(_ program: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        return folders.map { "\($0)/\(program)" }.first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    private static func spawn(_ command: [String], output: Int32, in folder: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        posix_spawn_file_actions_addchdir_np(&actions, folder)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let ownSession: Int16 = 0x80  // POSIX_SPAWN_SETSID
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | ownSession)

        let environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"]
        let argumentPointers = command.map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var process = pid_t()
        let code = posix_spawn(&process, command[0], &actions, &attributes, argumentPointers, environmentPointers)
        guard code == 0 else { throw failure(command, code) }
        return process
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            if output.count < 65536 { output += piece[..<count] }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func failure(_ command: [String], _ code: Int32) -> PostgresError {
        PostgresError(.cluster, "\(command.first ?? "") cannot be run: \(String(cString: strerror(code)))")
    }
}
