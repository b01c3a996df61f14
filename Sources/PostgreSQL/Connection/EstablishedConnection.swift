import CLibpq
import Glibc

/// A connection fresh from libpq that nobody has used yet.
///
/// `@unchecked Sendable`: it has one owner at a time; the thread that connects hands it over and forgets it.
struct EstablishedConnection: @unchecked Sendable {
    let handle: OpaquePointer

    func discard() {
        PQfinish(handle)
    }

    /// Connects. Blocks: name look-ups happen inside, so this belongs on a thread of its own.
    static func open(_ configuration: PostgresConfiguration) throws -> EstablishedConnection {
        let known = try ConnectionString(configuration.url)
        // A later keyword outranks what the URL says, an earlier one only fills gaps; see PQconnectdbParams.
        let parameters = [
            ("fallback_application_name", configuration.applicationName), ("dbname", configuration.url), ("client_encoding", "UTF8"),
        ]
        guard let handle = start(parameters) else { throw PostgresError(.connection, "libpq is out of memory") }
        do {
            // The SQLSTATE of a refused connection is shown in the verbose message only.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            try finish(handle, timeout: configuration.connectTimeout, known)
            PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
            return EstablishedConnection(handle: handle)
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    private static func start(_ parameters: [(String, String)]) -> OpaquePointer? {
        let keywords = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer { for pointer in keywords + values { free(pointer) } }
        let keywordList = keywords.map { UnsafePointer($0) } + [nil]
        let valueList = values.map { UnsafePointer($0) } + [nil]
        return PQconnectStartParams(keywordList, valueList, 1)
    }

    private static func finish(_ handle: OpaquePointer, timeout: Duration, _ known: ConnectionString) throws {
        func failure() -> PostgresError {
            let needsPassword = PQconnectionNeedsPassword(handle) != 0
            var error = known.error(PQerrorMessage(handle).map { String(cString: $0) } ?? "")
            if needsPassword {
                // Said by libpq itself, without the SQLSTATE that the server would have sent.
                error.sqlState = error.sqlState ?? "28P01"
                error.hint = "give a password in PGPASSWORD or ~/.pgpass"
            }
            return error
        }
        guard PQstatus(handle) != CONNECTION_BAD else { throw failure() }
        let deadline = ContinuousClock.now + timeout
        var events = Int16(POLLOUT)
        while true {
            let left = deadline - .now
            var entry = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let ready = left > .zero ? poll(&entry, 1, Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))) : 0
            if ready == 0 { throw PostgresError(.connection, "the server did not answer within \(timeout)") }
            if ready < 0 { continue }  // EINTR
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: throw failure()
            }
        }
    }
}
