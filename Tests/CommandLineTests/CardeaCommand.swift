import AuditEvents
import DatabaseTesting
import Foundation
import Synchronization
import Testing

/// The built binary as a child process: what a person at a terminal sees of it.
struct CardeaCommand: Sendable {
    struct Outcome: Sendable {
        /// The exit status; of one that was ended by a signal, 128 and the signal.
        let status: Int32
        let output: Data
        let messages: String
        var text: String { String(decoding: output, as: UTF8.self) }
        var lines: [String] { text.split(separator: "\n").map(String.init) }

        func json() throws -> JSONValue { try JSONValue(parsing: output) }
        func jsonLines() throws -> [JSONValue] { try output.split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: $0) } }
    }

    /// Beside the test bundle, where the build leaves it.
    static let path: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var folder = URL(filePath: own).deletingLastPathComponent()
        while !FileManager.default.isExecutableFile(atPath: folder.path + "/cardea"), folder.path.count > 1 {
            folder.deleteLastPathComponent()
        }
        return folder.path + "/cardea"
    }()

    var environment: [String: String]

    /// - Parameters:
    ///   - url: the database; nil: the private cluster under `home`.
    init(url: String? = nil, home: String) {
        environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARDEA_") && !["NO_COLOR", "TERM"].contains($0.key) }
        environment["CARDEA_HOME"] = home
        environment["CARDEA_DATABASE_URL"] = url
    }

    /// Runs it to its end.
    func callAsFunction(_ arguments: String..., input: Data? = nil) async throws -> Outcome { try await run(arguments, input: input) }

    func run(_ arguments: [String], input: Data? = nil) async throws -> Outcome {
        try await withFolder { folder in
            let process = process(arguments)
            for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil) }
            process.standardOutput = try FileHandle(forWritingTo: URL(filePath: folder + "/out"))
            process.standardError = try FileHandle(forWritingTo: URL(filePath: folder + "/err"))
            if let input {
                try input.write(to: URL(filePath: folder + "/in"))
                process.standardInput = try FileHandle(forReadingFrom: URL(filePath: folder + "/in"))
            }
            try await CardeaCommand.ended(process)
            return Outcome(
                status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
                output: try Data(contentsOf: URL(filePath: folder + "/out")),
                messages: String(decoding: try Data(contentsOf: URL(filePath: folder + "/err")), as: UTF8.self))
        }
    }

    /// Runs it to its end, which must be a good one, and gives what it printed.
    @discardableResult
    func done(_ arguments: String..., input: Data? = nil, at location: SourceLocation = #_sourceLocation) async throws -> Outcome {
        let outcome = try await run(arguments, input: input)
        try #require(outcome.status == 0, "cardea \(arguments.joined(separator: " ")): \(outcome.messages)", sourceLocation: location)
        return outcome
    }

    /// The number that `query … --count` prints.
    func count(_ arguments: String...) async throws -> Int? {
        let outcome = try await run(["query"] + arguments + ["--count"])
        #expect(outcome.status == 0, "\(arguments): \(outcome.messages)")
        return Int(outcome.text.dropLast())
    }

    private func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: CardeaCommand.path)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        return process
    }

    private static func ended(_ process: Process) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }

    /// Runs it beside `body`, which is lent its lines as they come; ends it with `signal` afterwards and gives its status.
    ///
    /// - Parameter messages: whether the lines are those of standard error instead of standard output.
    func running<R: Sendable>(
        _ arguments: [String], messages: Bool = false, signal: Int32 = SIGTERM, _ body: (inout Lines) async throws -> R
    ) async throws -> (result: R, status: Int32) {
        let process = process(arguments)
        let pipe = Pipe()
        process.standardOutput = messages ? FileHandle.nullDevice : pipe
        process.standardError = messages ? pipe : FileHandle.nullDevice
        let (ends, ended) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            ended.yield($0.terminationReason == .exit ? $0.terminationStatus : 128 + $0.terminationStatus)
            ended.finish()
        }
        try process.run()
        var lines = Lines(pipe.fileHandleForReading)
        let result: Result<R, any Error>
        do { result = .success(try await body(&lines)) } catch { result = .failure(error) }
        kill(process.processIdentifier, signal)
        let status = await ends.first { _ in true }
        return (try result.get(), status ?? -1)
    }

    /// What a running command prints, line by line.
    struct Lines {
        private var iterator: AsyncStream<Data>.Iterator
        private var rest = ""

        init(_ handle: FileHandle) {
            let (stream, continuation) = AsyncStream.makeStream(of: Data.self)
            handle.readabilityHandler = { handle in
                let data = handle.availableData
                if data.isEmpty {
                    handle.readabilityHandler = nil
                    continuation.finish()
                } else {
                    continuation.yield(data)
                }
            }
            iterator = stream.makeAsyncIterator()
        }

        /// The next line that holds `text`. Throws when the output ends without one.
        mutating func next(with text: String) async throws -> String {
            while true {
                while let end = rest.firstIndex(of: "\n") {
                    let line = String(rest[..<end])
                    rest = String(rest[rest.index(after: end)...])
                    if line.contains(text) { return line }
                }
                guard let data = await iterator.next(isolation: #isolation) else {
                    throw CocoaError(.fileReadUnknown, userInfo: ["missing": text, "rest": rest])
                }
                rest += String(decoding: data, as: UTF8.self)
            }
        }
    }
}

/// Lends a new folder that everybody may look into.
func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = "/tmp/cardea-cli-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// Lends a migrated database of its own and the command that works with it.
func withRecord<R: Sendable>(_ body: (CardeaCommand, String) async throws -> R) async throws -> R {
    try await withTestDatabase { database in
        try await withFolder { folder in
            let cardea = CardeaCommand(url: database.url, home: folder + "/home")
            try await cardea.done("migrate")
            return try await body(cardea, folder)
        }
    }
}

/// The folder of conformance data; nil in a clone that has none.
let conformanceData: String? = {
    let root = ProcessInfo.processInfo.environment["CARDEA_CONFORMANCE_DATA"] ?? "../shared/data"
    return FileManager.default.fileExists(atPath: root + "/logs/access/apache_logs") ? root : nil
}()

/// RFC 4180.
func csv(_ content: String) -> [[String]] {
    var (rows, row, cell, quoted) = ([[String]](), [String](), [UInt8](), false)
    var bytes = Array(content.utf8)[...]
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    while let c = bytes.popFirst() {
        switch c {
        case UInt8(ascii: "\"") where quoted && bytes.first == c: cell.append(bytes.removeFirst())
        case UInt8(ascii: "\""): quoted.toggle()
        case UInt8(ascii: ",") where !quoted:
            row.append(text(cell))
            cell = []
        case UInt8(ascii: "\r") where !quoted && bytes.first == UInt8(ascii: "\n"):
            bytes.removeFirst()
            rows.append(row + [text(cell)])
            (row, cell) = ([], [])
        default: cell.append(c)
        }
    }
    return rows
}
