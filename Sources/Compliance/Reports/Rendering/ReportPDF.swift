import Foundation

/// A report as PDF, printed by a Chromium that is on this machine.
///
/// The same report does not give the same bytes: Chromium writes the time of printing into the file. HTML, JSON and OSCAL are reproducible.
public enum ReportPDF {
    private static let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome-headless-shell"]

    /// The browser that would print; nil where there is none on the PATH.
    public static func browser() -> String? { browser(path: ProcessInfo.processInfo.environment["PATH"] ?? "") }

    static func browser(path: String) -> String? {
        for name in names {
            for folder in path.split(separator: ":") where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return "\(folder)/\(name)"
            }
        }
        return nil
    }

    /// Prints `html`.
    ///
    /// - Throws: `ReportError` where no browser is there, or it does not print within two minutes.
    public static func render(html: [UInt8], browser: String? = ReportPDF.browser()) async throws -> [UInt8] {
        guard let browser else {
            throw ReportError(
                "a PDF needs Chromium, and none is on the PATH",
                hint: "Install it (Debian: apt-get install chromium), or take --format html and print that.")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "cardea-report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let (page, printed) = (folder.appending(path: "report.html"), folder.appending(path: "report.pdf"))
        try Data(html).write(to: page)
        let process = Process()
        process.executableURL = URL(filePath: browser)
        process.arguments =
            [
                "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--no-first-run",
                "--no-pdf-header-footer",
                "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=\(folder.path)/profile", "--print-to-pdf=\(printed.path)",
            ] + (getuid() == 0 ? ["--no-sandbox"] : []) + [page.absoluteString]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let status = try await ended(process)
        guard status == 0, let bytes = try? Data(contentsOf: printed), bytes.starts(with: Data("%PDF-".utf8)) else {
            throw ReportError(
                "\(browser) did not print (status \(status))", hint: "Take --format html and print that, or try the browser by hand.")
        }
        return Array(bytes)
    }

    private static func ended(_ process: Process) async throws -> Int32 {
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        let pid = process.processIdentifier
        let impatience = Task {
            try await Task.sleep(for: .seconds(120))
            kill(pid, SIGKILL)
        }
        defer { impatience.cancel() }
        return await withTaskCancellationHandler {
            await ends.first { _ in true } ?? -1
        } onCancel: {
            kill(pid, SIGKILL)
        }
    }
}
