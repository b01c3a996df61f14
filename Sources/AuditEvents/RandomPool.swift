import Glibc
import Synchronization

/// Random bits from the kernel's generator, fetched 256 bytes at a time: `SystemRandomNumberGenerator` asks the kernel for every eight.
///
/// What was handed out is overwritten, so that a later look at the memory does not tell it.
package struct RandomPool: RandomNumberGenerator, Sendable {
    private struct Stock {
        var words = [UInt64](repeating: 0, count: 32)
        var left = 0
    }

    private static let stock = Mutex(Stock())

    package init() {}

    package mutating func next() -> UInt64 {
        RandomPool.stock.withLock { stock in
            if stock.left == 0 {
                var generator = SystemRandomNumberGenerator()
                // 256 bytes is what getentropy gives at most.
                let isFilled = stock.words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
                if !isFilled { for index in stock.words.indices { stock.words[index] = generator.next() } }
                stock.left = stock.words.count
            }
            stock.left -= 1
            defer { stock.words[stock.left] = 0 }
            return stock.words[stock.left]
        }
    }
}
