import CLibpq

/// Single statements, prepared at their first use.
extension Session {
    func run(_ sql: SQL) async throws -> PostgresResult {
        try await forgetLeavingStatements()
        let key = try cacheKey(sql)
        guard let name = statements.name(for: key) else {
            return try await runPipeline([sql])[0]
        }
        let wasIdle = transactionStatus == PQTRANS_IDLE
        do {
            try sendPrepared(name, sql.binds)
            return try await singleResult(sql)
        } catch let error as PostgresError where error.isStaleStatement {
            // A table has changed under the plan, or the name is gone (DISCARD ALL). Inside a transaction nothing can be repeated.
            statements.remove(key)
            guard wasIdle else { throw error }
            return try await runPipeline([sql])[0]
        }
    }

    /// Prepares a statement without running it, and gives its name.
    func prepare(_ sql: SQL) async throws -> String {
        try await forgetLeavingStatements()
        let key = try cacheKey(sql)
        if let name = statements.name(for: key) { return name }
        let name = statements.freshName()
        try sendPrepare(name, key)
        _ = try await singleResult(sql)
        statements.insert(key, name: name)
        return name
    }

    func cacheKey(_ sql: SQL) throws -> StatementCache.Key {
        if let refusal = sql.binds.refusal { throw refusal }
        guard sql.bindCount <= 65535 else { throw PostgresError(.usage, "a statement takes at most 65,535 binds; pass arrays instead") }
        return StatementCache.Key(sql)
    }

    func sendPrepare(_ name: String, _ key: StatementCache.Key) throws {
        guard !key.text.utf8.contains(0) else { throw PostgresError(.usage, "a statement holds a NUL character") }
        try check(PQsendPrepare(handle, name, key.text, Int32(key.types.count), key.types))
    }

    func sendPrepared(_ name: String, _ binds: BindBuffer) throws {
        let code = binds.withParameters { values, lengths, formats in
            PQsendQueryPrepared(handle, name, Int32(binds.values.count), values, lengths, formats, 1)
        }
        try check(code)
    }

    /// Sends what is queued and takes in the result of one statement.
    func singleResult(_ sql: SQL) async throws -> PostgresResult {
        try await flush()
        guard let result = try await nextResult() else { throw connectionError() }
        try await finish(after: result)
        try checkSuccess(result, sql.text)
        return result
    }

    /// Takes in what follows a result. A COPY begun by mistake leaves the connection in a state that only its end mends.
    private func finish(after result: PostgresResult) async throws {
        if result.isCopy {
            watch.shutdown()
            throw PostgresError(.usage, "COPY needs copyIn or copyOut")
        }
        try await drain()
    }

    func checkSuccess(_ result: PostgresResult, _ text: String?) throws {
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return
        default: throw error(of: result, statement: text)
        }
    }

    /// The simple protocol: gives the last result, throws the first error.
    @discardableResult
    func runSimple(_ script: String) async throws -> PostgresResult? {
        guard !script.utf8.contains(0) else { throw PostgresError(.usage, "a script holds a NUL character") }
        try check(PQsendQuery(handle, script))
        try await flush()
        var last: PostgresResult?
        var failure: PostgresError?
        while true {
            let result: PostgresResult?
            do {
                result = try await nextResult()
            } catch {
                // The server's reason says more than the break that follows it.
                throw failure ?? error
            }
            guard let result else { break }
            if result.isCopy { try await finish(after: result) }
            do {
                try checkSuccess(result, nil)
            } catch {
                failure = failure ?? error as? PostgresError
            }
            last = result
        }
        if let failure { throw failure }
        return last
    }

    /// Drops what the cache has let go. A failed transaction takes no statement, so it waits for a later call.
    private func forgetLeavingStatements() async throws {
        guard !statements.leaving.isEmpty, transactionStatus != PQTRANS_INERROR else { return }
        let script = statements.takeLeaving().map { "DEALLOCATE \($0)" }.joined(separator: ";")
        do {
            try await runSimple(script)
        } catch let error as PostgresError where error.sqlState == "26000" {
            // Gone already.
        }
    }
}

extension PostgresResult {
    var isCopy: Bool { status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH }
}

extension PostgresError {
    /// `cached plan must not change result type`, or a prepared statement that does not exist.
    var isStaleStatement: Bool {
        sqlState == "26000" || (sqlState == "0A000" && message.contains("cached plan"))
    }
}
