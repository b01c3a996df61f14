import CLibpq

extension PostgresConnection {
    /// Runs `COPY … FROM STDIN (FORMAT binary)` and lends a writer for its rows; gives the number of rows stored.
    ///
    /// Memory is bounded: the writer sends pieces of about 64 KiB and waits for the socket. When `body` throws, or its task is
    /// cancelled, the server stores nothing. While the body runs the connection serves nothing else.
    @discardableResult
    public func copyIn(_ sql: String, _ body: (inout CopyWriter) async throws -> Void) async throws -> Int {
        try await perform(engagement: "COPY") { session in
            let opening = try await session.beginCopy(sql, expecting: PGRES_COPY_IN)
            do {
                var writer = CopyWriter(session: session, isBinary: PQbinaryTuples(opening.handle) == 1)
                try await body(&writer)
                try await writer.finish()
            } catch {
                try? await session.abandonCopyIn()
                throw error
            }
            try session.check(PQputCopyEnd(session.handle, nil))
            try await session.flush()
            return try await session.endOfCopy(sql).affectedRows
        }
    }

    /// Runs `COPY … TO STDOUT` and lends a reader of its raw messages. The server sends no faster than the body reads.
    ///
    /// A body that returns before the end has the rest cancelled, which inside a transaction makes the transaction fail.
    public func copyOut(_ sql: String, _ body: (CopyReader) async throws -> Void) async throws {
        try await perform(engagement: "COPY") { session in
            _ = try await session.beginCopy(sql, expecting: PGRES_COPY_OUT)
            let reader = CopyReader(session: session)
            do {
                try await body(reader)
            } catch {
                let isOver = reader.close()
                if !isOver { try? await session.abandonRunning() }
                throw error
            }
            if reader.close() {
                _ = try await session.endOfCopy(sql)
            } else {
                try await session.abandonRunning()
            }
        }
    }
}

extension Session {
    func beginCopy(_ sql: String, expecting status: ExecStatusType) async throws -> PostgresResult {
        guard !sql.utf8.contains(0) else { throw PostgresError(.usage, "a statement holds a NUL character") }
        try check(PQsendQuery(handle, sql))
        try await flush()
        guard let result = try await nextResult() else { throw connectionError() }
        if result.status == status { return result }
        guard !result.isCopy else {
            watch.shutdown()
            throw PostgresError(.usage, "the COPY goes in the other direction")
        }
        try await drain()
        try checkSuccess(result, sql)
        throw PostgresError(.usage, "the statement is no COPY")
    }

    func endOfCopy(_ sql: String) async throws -> PostgresResult {
        guard let result = try await nextResult() else { throw connectionError() }
        try await drain()
        try checkSuccess(result, sql)
        return result
    }

    func abandonCopyIn() async throws {
        try check(PQputCopyEnd(handle, "the client gave up"))
        try await flush()
        try await drain()
    }

    /// Cancels a statement whose results nobody wants, and takes in what had been sent.
    func abandonRunning() async throws {
        try await cancellation.sendOnce()
        while true {
            while try await copyData() != nil {}
            guard let result = try await nextResult() else { return }
            if result.isCopy && result.status != PGRES_COPY_OUT {
                watch.shutdown()
                return
            }
        }
    }

    /// The next message of a COPY to the client, nil at its end.
    func copyData() async throws -> [UInt8]? {
        while true {
            var memory: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &memory, 1)
            switch count {
            case 0:
                try await receive()
            case 1...:
                defer { PQfreemem(memory) }
                return [UInt8](UnsafeRawBufferPointer(start: memory, count: Int(count)))
            case -2 where isBroken:
                throw connectionError()
            default:
                return nil
            }
        }
    }
}
