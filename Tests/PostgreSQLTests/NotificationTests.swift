import DatabaseTesting
import PostgreSQL
import Testing

@Suite("Notifications", .database)
struct NotificationTests {
    @Test("arrive in order, also those sent while the connection was busy")
    func order() async throws {
        let database = try TestDatabase.required()
        let pool = database.pool()
        try await withPostgresConnection(database.configuration(), logger: .quiet) { connection in
            try await connection.listen(on: ["first", "Second \"one\""])
            try await pool.execute("SELECT pg_notify('first', \("a"))")
            #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
            try await pool.execute("SELECT pg_notify('Second \"one\"', 'b')")
            var heard: [String] = []
            for try await notification in connection.notifications(on: ["first"]) {
                heard.append("\(notification.channel): \(notification.payload)")
                if heard.count == 2 { break }
            }
            #expect(heard == ["first: a", "Second \"one\": b"])
            let task = Task {
                for try await _ in connection.notifications(on: ["first"]) {}
            }
            try await eventually("the connection waits") {
                do {
                    _ = try await connection.query("SELECT 1")
                    return false
                } catch let error as PostgresError {
                    return error.code == .usage
                }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await connection.query("SELECT 1", as: Int.self) == [1])
        }
    }

    @Test("of a pooled connection end with its lending")
    func pooled() async throws {
        let pool = try TestDatabase.required().pool(maximumConnections: 1)
        try await pool.withConnection { try await $0.listen(on: ["kept"]) }
        #expect(try await pool.query("SELECT pg_listening_channels()").isEmpty)
    }

    @Test("a listener whose connection is ended listens again and says so")
    func reconnect() async throws {
        let database = try TestDatabase.required()
        let pool = database.pool()
        var configuration = database.configuration()
        configuration.applicationName = "listening"
        let listener = PostgresListener(configuration, channels: ["news"], logger: .quiet)
        var events: [PostgresListener.Event] = []
        for try await event in listener {
            events.append(event)
            switch events.count {
            case 1: try await pool.execute("SELECT pg_notify('news', 'one')")
            case 2:
                try await pool.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listening' AND datname = current_database()"
                )
            case 3: try await pool.execute("SELECT pg_notify('news', 'two')")
            default: break
            }
            if events.count == 4 { break }
        }
        #expect(events.count == 4)
        #expect(events[0] == .connected)
        #expect(events[2] == .reconnected)
        if case .notification(let one) = events[1] { #expect(one.payload == "one") } else { Issue.record("no notification") }
        if case .notification(let two) = events[3] { #expect(two.payload == "two") } else { Issue.record("no notification") }
    }
}
