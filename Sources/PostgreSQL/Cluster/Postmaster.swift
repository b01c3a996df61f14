import FoundationEssentials
import Glibc

/// What `postmaster.pid` in a data folder says, and whether it is still true.
struct Postmaster: Sendable {
    let pid: pid_t
    let socketFolder: String
    let port: Int
    let isReady: Bool

    /// Nil when there is no such file, or one that is being written.
    init?(dataFolder: String) {
        guard let text = try? String(contentsOfFile: "\(dataFolder)/postmaster.pid", encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = lines.first, let pid = pid_t(first.filter { $0 != " " }), pid > 0 else { return nil }
        self.pid = pid
        port = lines.count > 3 ? Int(lines[3]) ?? 0 : 0
        socketFolder = lines.count > 4 ? lines[4] : ""
        isReady = lines.count > 7 && lines[7].hasPrefix("ready")
    }

    /// True when the process is a server of this very data folder: its working directory is that folder. A number alone proves
    /// nothing, for the system gives it to another process after a crash.
    func isAlive(dataFolder: String) -> Bool {
        Self.works(pid, in: dataFolder)
    }

    /// Servers that work in a data folder: the postmaster and its children, also those that have lost it.
    static func processes(in dataFolder: String) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.filter { works($0, in: dataFolder) }
    }

    private static func works(_ process: pid_t, in dataFolder: String) -> Bool {
        // Following the link asks the kernel and gives nothing for a zombie.
        guard let here = FileFacts("/proc/\(process)/cwd"), let data = FileFacts(dataFolder), here.isSameFile(as: data) else {
            return false
        }
        let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
        return name.hasPrefix("postgres")
    }
}
