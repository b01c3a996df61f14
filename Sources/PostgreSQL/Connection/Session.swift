import CLibpq
import Logging
import Synchronization

/// One connection of libpq in non-blocking mode, and the steps of its protocol.
///
/// `@unchecked Sendable`: `handle` and `statements` are touched only by the task that holds the connection's turn
/// (`ConnectionTurn`), or in `deinit`; `watch`, `cancellation` and the cancel handle are safe from any thread.
final class Session: @unchecked Sendable {
    let handle: OpaquePointer
    let watch: SocketWatch
    let cancellation: SessionCancellation
    let backendPID: Int32
    var statements = StatementCache()
    /// True once LISTEN was sent, which outlives the borrower of a pooled connection.
    var isListening = false
    private let notices: NoticeLog

    /// Takes over a connection that is established.
    init(_ connected: EstablishedConnection, logger: Logger) throws {
        handle = connected.handle
        do {
            watch = try SocketReactor.shared.watch(PQsocket(handle))
        } catch {
            PQfinish(handle)
            throw error
        }
        cancellation = SessionCancellation(cancelHandle: PQgetCancel(handle), watch: watch)
        backendPID = PQbackendPID(handle)
        notices = NoticeLog(logger: logger)
        PQsetnonblocking(handle, 1)
        PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().note(result)
            }, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit {
        PQfinish(handle)
        watch.close()
    }

    var isBroken: Bool { PQstatus(handle) == CONNECTION_BAD || cancellation.isBroken }
    var transactionStatus: PGTransactionStatusType { PQtransactionStatus(handle) }
    private var usesTLS: Bool { PQsslInUse(handle) != 0 }

    /// What libpq said last, as the failure of the connection.
    func connectionError() -> PostgresError {
        let message = PostgresError.trimmed(PQerrorMessage(handle).map { String(cString: $0) } ?? "")
        return PostgresError(.connection, message.isEmpty ? "the connection to the server was lost" : message)
    }

    /// A call of libpq that gives 1 when all is well.
    func check(_ code: Int32) throws {
        if code != 1 {
            guard !isBroken else { throw connectionError() }
            throw PostgresError(
                .usage, PostgresError.trimmed(PQerrorMessage(handle).map { String(cString: $0) } ?? "libpq refused the call"))
        }
    }

    // MARK: Waiting

    /// Waits until the server has sent something, and takes it in.
    func receive(orWrite: Bool = false) async throws {
        guard !isBroken else { throw connectionError() }
        await watch.wait(for: orWrite ? .readOrWrite : .read)
        try consumeInput()
    }

    func consumeInput() throws {
        // A TLS record that was read only in part leaves data where epoll does not see it. A record holds at most 16 KiB and each
        // call takes in 8 KiB or more, so three calls leave nothing behind.
        for _ in 0..<(usesTLS ? 3 : 1) where PQconsumeInput(handle) == 0 {
            throw connectionError()
        }
    }

    /// Sends all that libpq has queued, taking in what comes meanwhile so that both sides never wait for each other.
    func flush() async throws {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1: try await receive(orWrite: true)
            default:
                // The server may have said why before it went away.
                _ = PQconsumeInput(handle)
                if PQisBusy(handle) == 0, let result = PQgetResult(handle) {
                    throw PostgresResult(result).error(code: .connection)
                }
                throw connectionError()
            }
        }
    }

    /// The next result of the running statement, nil at its end.
    func nextResult() async throws -> PostgresResult? {
        while PQisBusy(handle) != 0 {
            do {
                try await receive()
            } catch {
                // The last words of a server that ends the session are still in the buffer.
                if PQisBusy(handle) == 0, let result = PQgetResult(handle) {
                    let last = PostgresResult(result)
                    if last.status == PGRES_FATAL_ERROR { throw last.error(code: .connection) }
                }
                throw error
            }
        }
        return PQgetResult(handle).map { PostgresResult($0) }
    }

    /// Takes in what is left of the running statement. A connection that breaks here changes nothing about the result that came
    /// before; the next call will notice.
    func drain() async throws {
        while true {
            let result: PostgresResult?
            do {
                result = try await nextResult()
            } catch let error as PostgresError where error.code == .connection {
                return
            }
            guard let result else { return }
            if result.isCopy {
                watch.shutdown()
                throw PostgresError(.usage, "COPY needs copyIn or copyOut")
            }
        }
    }

    func error(of result: PostgresResult, statement: String?) -> PostgresError {
        result.error(code: isBroken ? .connection : .server, statement: statement)
    }
}

/// Hands what the server notes (`RAISE NOTICE`, warnings) to the log. The text may hold values, so it is logged at debug only.
private final class NoticeLog: Sendable {
    let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func note(_ result: OpaquePointer) {
        func field(_ letter: Character) -> String {
            letter.asciiValue.flatMap { PQresultErrorField(result, Int32($0)) }.map { String(cString: $0) } ?? ""
        }
        logger.debug(
            "notice of the server",
            metadata: [
                "postgres.severity": "\(field("V"))", "postgres.sqlstate": "\(field("C"))", "postgres.message": "\(field("M"))",
            ])
    }
}
