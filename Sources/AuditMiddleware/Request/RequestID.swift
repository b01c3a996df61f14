import AuditEvents

/// The id that names a request in its response, its events and its caller's log.
enum RequestID {
    /// Whether a client's id is taken over: 1 to 64 letters, digits, `-`, `_`, `.` and `:`.
    static func isAcceptable(_ id: String) -> Bool {
        let bytes = id.utf8
        guard (1...64).contains(bytes.count) else { return false }
        return bytes.allSatisfy { c in
            switch c {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"): true
            default: false
            }
        }
    }

    /// 128 random bits as 32 hex digits.
    static func make() -> String {
        var generator = RandomPool()
        return hex(generator.next(), generator.next())
    }

    private static func hex(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            for i in 0..<32 {
                let value = UInt8((i < 16 ? high : low) >> (60 - UInt64(i % 16) * 4) & 0xf)
                buffer[i] = value < 10 ? 48 + value : 87 + value
            }
            return 32
        }
    }
}
