import CLibpq

/// libpq's pipeline mode: everything is sent before the first result is awaited.
extension Session {
    /// Runs statements in one round trip, preparing on the way those that are new.
    func runPipeline(_ batch: [SQL]) async throws -> [PostgresResult] {
        let keys = try batch.map { try cacheKey($0) }
        try check(PQenterPipelineMode(handle))
        do {
            let results = try await exchange(batch, keys)
            try check(PQexitPipelineMode(handle))
            return results
        } catch {
            // Everything up to the synchronisation point was taken in unless the connection itself is of no use any more.
            if PQexitPipelineMode(handle) != 1 { watch.shutdown() }
            throw error
        }
    }

    private func exchange(_ batch: [SQL], _ keys: [StatementCache.Key]) async throws -> [PostgresResult] {
        // Statement names that this batch itself prepares; a text that occurs twice is prepared once.
        var fresh: [StatementCache.Key: String] = [:]
        var preparing: [StatementCache.Key?] = []
        for (sql, key) in zip(batch, keys) {
            if let name = statements.name(for: key) ?? fresh[key] {
                preparing.append(nil)
                try sendPrepared(name, sql.binds)
            } else {
                let name = statements.freshName()
                fresh[key] = name
                preparing.append(key)
                try sendPrepare(name, key)
                try sendPrepared(name, sql.binds)
            }
        }
        try check(PQpipelineSync(handle))
        try await flush()
        var results: [PostgresResult] = []
        var failure: PostgresError?
        do {
            for (sql, key) in zip(batch, preparing) {
                if let key, let prepared = try await pipelineResult() {
                    if prepared.status == PGRES_COMMAND_OK, let name = fresh[key] { statements.insert(key, name: name) }
                    failure = failure ?? pipelineFailure(prepared, sql)
                }
                guard let result = try await pipelineResult() else { continue }
                if result.isCopy {
                    watch.shutdown()
                    throw PostgresError(.usage, "COPY needs copyIn or copyOut")
                }
                failure = failure ?? pipelineFailure(result, sql)
                results.append(result)
            }
            // The synchronisation point itself.
            _ = try await nextResult()
        } catch {
            // The server's reason says more than the break that follows it.
            throw failure ?? error
        }
        if let failure { throw failure }
        guard results.count == batch.count else { throw connectionError() }
        return results
    }

    /// The result of the next command, with the nil behind it taken in.
    private func pipelineResult() async throws -> PostgresResult? {
        guard let result = try await nextResult() else { return nil }
        if !result.isCopy { try await drain() }
        return result
    }

    private func pipelineFailure(_ result: PostgresResult, _ sql: SQL) -> PostgresError? {
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_PIPELINE_ABORTED: nil
        default: error(of: result, statement: sql.text)
        }
    }
}
