import CLibpq

extension PostgresConnection {
    /// Runs a statement and gives its rows in batches, with no more than one batch in memory. The server sends no faster than the
    /// body takes them. While the body runs the connection serves nothing else.
    ///
    /// A body that throws has the rest cancelled, which inside a transaction makes the transaction fail.
    public func stream(_ sql: SQL, batch: Int = 1000, _ body: ([PostgresRow]) async throws -> Void) async throws {
        try await perform(engagement: "a stream") { session in
            var isRepeated = false
            while true {
                let wasIdle = session.transactionStatus == PQTRANS_IDLE
                let name = try await session.prepare(sql)
                try session.sendPrepared(name, sql.binds)
                try session.check(PQsetSingleRowMode(session.handle))
                try await session.flush()
                let first = try await session.nextResult()
                do {
                    return try await session.deliver(first, sql, batch: max(1, batch), body)
                } catch let error as StaleStatement {
                    session.statements.remove(try session.cacheKey(sql))
                    guard wasIdle, !isRepeated else { throw error.reason }
                    isRepeated = true
                }
            }
        }
    }
}

private struct StaleStatement: Error {
    let reason: PostgresError
}

extension Session {
    fileprivate func deliver(
        _ first: PostgresResult?, _ sql: SQL, batch: Int, _ body: ([PostgresRow]) async throws -> Void
    ) async throws {
        var rows: [PostgresRow] = []
        rows.reserveCapacity(min(batch, 4096))
        var next = first
        var isFirst = true
        while let result = next {
            switch result.status {
            case PGRES_SINGLE_TUPLE:
                rows.append(PostgresRow(result: result, index: 0))
                if rows.count >= batch { try await lend(&rows, to: body) }
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                try await drain()
                if !rows.isEmpty { try await body(rows) }
                return
            default:
                if result.isCopy { watch.shutdown() } else { try await drain() }
                let failure = error(of: result, statement: sql.text)
                if isFirst, failure.isStaleStatement { throw StaleStatement(reason: failure) }
                throw failure
            }
            isFirst = false
            next = try await nextResult()
        }
        throw connectionError()
    }

    private func lend(_ rows: inout [PostgresRow], to body: ([PostgresRow]) async throws -> Void) async throws {
        do {
            try await body(rows)
        } catch {
            rows.removeAll()
            try? await abandonRunning()
            throw error
        }
        rows.removeAll(keepingCapacity: true)
    }
}
