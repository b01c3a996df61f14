import Foundation
import Glibc

/// The command line as a process of its own, which can be killed.
final class CardeaProcess: Sendable {
    /// The binary beside the tests; nil where only the tests were built.
    static let binary: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let path = package.appendingPathComponent(".build/debug/cardea").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    let pid: pid_t

    init(_ arguments: [String], databaseURL: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CardeaProcess.binary ?? "/nonexistent")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["CARDEA_DATABASE_URL": databaseURL, "CARDEA_HOME": "/tmp/cardea-home-\(getpid())", "CARDEA_LOG_LEVEL": "error"]
        ) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        pid = process.processIdentifier
    }

    func signal(_ number: Int32) { kill(pid, number) }
    deinit { kill(pid, SIGKILL) }
}
