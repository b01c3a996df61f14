import CLibpq

/// One row of a result. It keeps its whole result in memory, so do not hold a single row of a large one for long.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int32

    /// The number of columns.
    public var count: Int { result.columnCount }

    /// The names of the columns, in order.
    public var columns: [String] { (0..<count).map { result.name(of: $0) } }

    /// Reads a column by its position, from 0.
    ///
    /// Throws `PostgresError` (`.decoding`) for NULL where `T` is no `Optional`, for another type, and for a column that is not there.
    public func decode<T: PostgresDecodable>(_ column: Int, as type: T.Type = T.self) throws -> T {
        guard column >= 0, column < result.columnCount else {
            throw PostgresError(.decoding, "there is no column \(column) among \(result.columnCount)")
        }
        let position = Int32(truncatingIfNeeded: column)
        do {
            guard PQgetisnull(result.handle, index, position) == 0 else { return try T.decodeNull() }
            let length = Int(PQgetlength(result.handle, index, position))
            let bytes = UnsafeRawBufferPointer(start: PQgetvalue(result.handle, index, position), count: length)
            return try T(binary: bytes, oid: PQftype(result.handle, position))
        } catch var error as PostgresError {
            error.message = "column \(column) (\(result.name(of: column))): \(error.message)"
            throw error
        }
    }

    /// Reads a column by its name.
    public func decode<T: PostgresDecodable>(_ column: String, as type: T.Type = T.self) throws -> T {
        guard let position = result.column(named: column) else {
            throw PostgresError(.decoding, "there is no column named \(column)")
        }
        return try decode(position)
    }

    /// Reads the first columns as a tuple, in order.
    public func decode<each T: PostgresDecodable>(as type: (repeat each T).Type) throws -> (repeat each T) {
        var column = 0
        return (repeat try next((each T).self, &column))
    }

    private func next<T: PostgresDecodable>(_: T.Type, _ column: inout Int) throws -> T {
        defer { column += 1 }
        return try decode(column)
    }
}
