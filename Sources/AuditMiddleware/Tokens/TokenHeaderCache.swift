import Synchronization

/// The few headers that good tokens had last, so that the same bytes are not parsed again and again. Only headers of tokens that held get in: nobody
/// else can push any out.
final class TokenHeaderCache: Sendable {
    private struct State: Sendable {
        var entries: [(text: [UInt8], header: TokenHeader)] = []
        var next = 0
    }

    private static let capacity = 8
    private let state = Mutex(State())

    func header(_ text: ArraySlice<UInt8>) -> TokenHeader? {
        state.withLock { $0.entries }.first { Self.isSame($0.text, text) }?.header
    }

    func note(_ header: TokenHeader, of text: ArraySlice<UInt8>) {
        state.withLock { state in
            if state.entries.contains(where: { Self.isSame($0.text, text) }) { return }
            if state.entries.count < Self.capacity {
                state.entries.append((Array(text), header))
            } else {
                state.entries[state.next] = (Array(text), header)
                state.next = (state.next + 1) % Self.capacity
            }
        }
    }

    private static func isSame(_ a: [UInt8], _ b: ArraySlice<UInt8>) -> Bool {
        a.count == b.count && a[...] == b
    }
}
