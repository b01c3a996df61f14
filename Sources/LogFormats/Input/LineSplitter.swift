/// Cuts bytes that arrive in pieces into lines, in bounded memory.
///
/// A line ends at LF; a CR before it belongs to the line end. What follows the last LF is a line too. A line longer than the limit comes out once,
/// as its beginning; the rest of it is thrown away.
public struct LineSplitter: Sendable {
    public enum Line: Sendable, Equatable {
        /// A line without its line end.
        case line(ArraySlice<UInt8>)
        /// The first bytes of a line that is longer than `limit` bytes.
        case tooLong(prefix: ArraySlice<UInt8>, limit: Int)
    }

    /// The limit unless another is given: servers write shorter lines (nginx and Apache refuse longer requests).
    public static let defaultLimit = 65_536

    private let limit: Int
    private var pending: [UInt8] = []
    private var isDiscarding = false

    /// - Parameter limit: the greatest length of a line in bytes, without its line end.
    public init(limit: Int = defaultLimit) { self.limit = max(1, limit) }

    /// Gives `body` each line that ends in `chunk`.
    public mutating func push(_ chunk: ArraySlice<UInt8>, _ body: (Line) throws -> Void) rethrows {
        var rest = chunk
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let piece = rest[..<end]
            rest = rest[(end + 1)...]
            if isDiscarding {
                isDiscarding = false
            } else if pending.isEmpty {
                try emit(piece, body)
            } else {
                // One byte more than the limit tells that a line is too long; a CR may take that place.
                pending.append(contentsOf: piece.prefix(limit + 2 - pending.count))
                let line = pending[...]
                pending = []
                try emit(line, body)
            }
        }
        guard !isDiscarding else { return }
        pending.append(contentsOf: rest.prefix(limit + 2 - pending.count))
        if pending.count > limit + 1 {
            let line = pending[...]
            pending = []
            isDiscarding = true
            try emit(line, body)
        }
    }

    /// Gives `body` the last line where it has no line end.
    public mutating func finish(_ body: (Line) throws -> Void) rethrows {
        let line = pending[...]
        pending = []
        isDiscarding = false
        if !line.isEmpty { try emit(line, body) }
    }

    private func emit(_ bytes: ArraySlice<UInt8>, _ body: (Line) throws -> Void) rethrows {
        let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        try body(line.count > limit ? .tooLong(prefix: line.prefix(limit), limit: limit) : .line(line))
    }
}
