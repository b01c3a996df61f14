/// The bound values of a statement in one piece of memory, in the form in which libpq takes them.
struct BindBuffer: Sendable {
    struct Value: Sendable {
        var oid: UInt32
        var offset: Int
        /// -1 for NULL.
        var length: Int32
    }

    private(set) var bytes: [UInt8] = []
    var values: [Value] = []
    /// Why the statement must not be sent. Kept until then, for an interpolation cannot throw.
    var refusal: PostgresError?

    mutating func append<Encodable: PostgresEncodable>(_ value: Encodable) {
        let offset = bytes.count
        guard !value.isPostgresNull else {
            values.append(Value(oid: Encodable.oid, offset: offset, length: -1))
            return
        }
        do {
            try value.encode(into: &bytes)
            guard let length = Int32(exactly: bytes.count - offset) else {
                throw PostgresError(.usage, "a bind of \(bytes.count - offset) bytes is longer than PostgreSQL takes")
            }
            values.append(Value(oid: Encodable.oid, offset: offset, length: length))
        } catch {
            let position = values.count + 1
            var reason = error as? PostgresError ?? PostgresError(.usage, "it cannot be encoded", underlying: error)
            reason.message = "bind $\(position): \(reason.message)"
            refusal = refusal ?? reason
            values.append(Value(oid: Encodable.oid, offset: offset, length: -1))
        }
    }

    mutating func append(contentsOf other: BindBuffer) {
        let base = bytes.count
        bytes += other.bytes
        for value in other.values {
            values.append(Value(oid: value.oid, offset: base + value.offset, length: value.length))
        }
        refusal = refusal ?? other.refusal
    }

    /// Lends the arrays that libpq's functions take: values, lengths, formats (1, binary, for all).
    func withParameters<R>(
        _ body: (
            UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) throws -> R
    ) rethrows -> R {
        guard !values.isEmpty else { return try body(nil, nil, nil) }
        return try bytes.withUnsafeBytes { memory in
            try withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: values.count) { pointers in
                try withUnsafeTemporaryAllocation(of: Int32.self, capacity: values.count * 2) { numbers in
                    // An empty value must not look like NULL, even where there is no memory behind it.
                    try withUnsafeBytes(of: 0 as UInt64) { nothing in
                        let base = (memory.baseAddress ?? nothing.baseAddress)?.assumingMemoryBound(to: CChar.self)
                        for (index, value) in values.enumerated() {
                            pointers.initializeElement(at: index, to: value.length < 0 ? nil : base.map { $0 + value.offset })
                            numbers.initializeElement(at: index, to: max(value.length, 0))
                            numbers.initializeElement(at: values.count + index, to: 1)
                        }
                        let lengths = numbers.baseAddress.map { UnsafePointer($0) }
                        return try body(pointers.baseAddress.map { UnsafePointer($0) }, lengths, lengths.map { $0 + values.count })
                    }
                }
            }
        }
    }
}
