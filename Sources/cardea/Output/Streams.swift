import Glibc

/// Data goes here.
enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static func write(_ text: String) { put(text, STDOUT_FILENO) }
}

/// Messages go here.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static func write(_ text: String) { put(text, STDERR_FILENO) }
}

/// A reader that went away is an error of writing, not a signal that ends the process with a status of its own.
let ignoresBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// Writes everything or ends the process: quietly where the reader has gone (`| head`), as a failure otherwise.
private func put(_ text: String, _ descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, 1000)
            } else if errno != EINTR {
                exit(errno == EPIPE ? 0 : 1)
            }
        }
    }
}

/// Colours for a terminal; none when piped, with `NO_COLOR`, or on a dumb terminal.
enum Colour {
    static let isOn: Bool = {
        guard StandardOutput.isTerminal, getenv("NO_COLOR") == nil else { return false }
        return getenv("TERM").map { String(cString: $0) } != "dumb"
    }()

    static func bold(_ text: String) -> String { isOn ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    static func red(_ text: String) -> String { isOn ? "\u{1b}[31m\(text)\u{1b}[0m" : text }
}
