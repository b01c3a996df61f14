import CLibpq
import Glibc

/// A finished result of libpq, which holds its rows in one place; rows refer to it and nothing is copied again.
///
/// `@unchecked Sendable`: libpq never changes a `PGresult` after handing it over, its accessors only read, and it is freed once, here.
final class PostgresResult: @unchecked Sendable {
    let handle: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(_ handle: OpaquePointer) {
        self.handle = handle
        rowCount = Int(PQntuples(handle))
        columnCount = Int(PQnfields(handle))
    }

    deinit {
        PQclear(handle)
    }

    var status: ExecStatusType { PQresultStatus(handle) }

    var rows: [PostgresRow] {
        (0..<rowCount).map { PostgresRow(result: self, index: Int32($0)) }
    }

    /// The count of the command tag, 0 for commands without one.
    var affectedRows: Int {
        PQcmdTuples(handle).map { Int(String(cString: $0)) ?? 0 } ?? 0
    }

    var commandTag: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }

    func name(of column: Int) -> String { PQfname(handle, Int32(column)).map { String(cString: $0) } ?? "" }

    /// The first column of that name, compared byte by byte.
    func column(named name: String) -> Int? {
        for column in 0..<columnCount {
            guard let candidate = PQfname(handle, Int32(column)) else { continue }
            if strcmp(candidate, name) == 0 { return column }
        }
        return nil
    }

    /// The error that a failed result tells of.
    func error(code: PostgresError.Code = .server, statement: String? = nil) -> PostgresError {
        func field(_ name: Character) -> String? {
            guard let ascii = name.asciiValue else { return nil }
            return PQresultErrorField(handle, Int32(ascii)).map { String(cString: $0) }
        }
        let fallback = PQresultErrorMessage(handle).map { String(cString: $0) } ?? ""
        // The letters are PG_DIAG_… of postgres_ext.h.
        var error = PostgresError(code, sqlState: field("C"), field("M") ?? PostgresError.trimmed(fallback), hint: field("H"))
        error.detail = field("D")
        error.schema = field("s")
        error.table = field("t")
        error.column = field("c")
        error.constraint = field("n")
        error.context = field("W")
        error.statement = statement
        if error.code == .server, let state = error.sqlState {
            if state == "57014" { error.code = .cancelled }
            // The server ends the session: shutdown, crash of a neighbour, still starting; idle for too long; database dropped.
            if ["57P01", "57P02", "57P03", "57P04", "57P05", "25P03"].contains(state) { error.code = .connection }
        }
        return error
    }
}
