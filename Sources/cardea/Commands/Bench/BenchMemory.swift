import Glibc

/// What this process holds and held in memory, from /proc; 0 where there is none.
enum BenchMemory {
    /// The most since the process began, or since `forgetPeak()`, in megabytes.
    static var peakMegabytes: Int { value("VmHWM:") }
    static var megabytes: Int { value("VmRSS:") }

    /// Lets the peak begin anew at what is held now (proc(5), clear_refs).
    static func forgetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }

    private static func value(_ name: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return 0 }
        return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) / 1024
    }
}
