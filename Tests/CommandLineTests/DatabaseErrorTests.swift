import AuditEvents
import DatabaseTesting
import Foundation
import PostgreSQL
import Testing

@Suite("databases that are not as they should be")
struct DatabaseErrorTests {
    @Test(
        "an unreachable database is told in a paragraph with the next step, and no password",
        arguments: [
            "postgresql://alice:hunter2@127.0.0.1:1/x", "host=127.0.0.1 port=1 user=alice password=hunter2 dbname=x",
            "postgresql://alice:hunter2@no-such-host.invalid/x",
            "postgresql://alice@127.0.0.1:1/x?password=hunter2", "host=/nonexistent password='hunter2 and more'",
            "postgresql://alice:hunter2@[bad", "nonsense hunter2",
            "postgresql://alice:hun%20hunter2@127.0.0.1:1/x?sslmode=verify-full",
        ])
    func unreachable(url: String) async throws {
        try await withFolder { folder in
            var cardea = CardeaCommand(url: url, home: folder)
            for verb in [["query"], ["migrate"], ["import", "/etc/hostname"], ["up"]] {
                let outcome = try await cardea.run(verb)
                #expect(outcome.status == 1 && outcome.output.isEmpty, "\(verb): \(outcome.messages)")
                #expect(outcome.messages.hasPrefix("cardea: ") && outcome.messages.split(separator: "\n").count <= 5, "\(outcome.messages)")
                #expect(outcome.messages.contains("--database-url"), "\(outcome.messages)")
                #expect(!outcome.messages.contains("hunter2"), "\(outcome.messages)")
                #expect(!outcome.messages.contains(".swift"))
            }
            for form in ["table", "json"] {
                cardea.environment["CARDEA_LOG_LEVEL"] = "trace"
                let outcome = try await cardea("doctor", "-o", form)
                #expect(outcome.status == 1 && !(outcome.text + outcome.messages).contains("hunter2"), "\(outcome.text)\(outcome.messages)")
                #expect(
                    outcome.text.contains("****") == (url != "nonsense hunter2" && !url.hasSuffix("[bad"))
                        || !outcome.text.contains("hunter"))
            }
        }
    }

    @Test("without a schema, with a newer one, or with no rights, the next step is told")
    func schema() async throws {
        try await withTestDatabase { database in
            try await withFolder { folder in
                let cardea = CardeaCommand(url: database.url, home: folder)
                let missing = try await cardea("query")
                #expect(missing.status == 1 && missing.messages.contains("cardea migrate"))
                #expect(try await cardea("doctor").text.contains("cardea migrate"))
                let role = "norights_\(getpid())"
                let pool = database.pool()
                try await pool.execute("create role \(identifier: role)")
                let separator = database.url.contains("?") ? "&" : "?"
                let poor = CardeaCommand(
                    url: database.url
                        + (database.url.contains("://") ? "\(separator)options=-c%20role%3D\(role)" : " options='-c role=\(role)'"),
                    home: folder)
                let refused = try await poor("migrate")
                #expect(
                    refused.status == 1 && refused.messages.contains("permission denied")
                        && refused.messages.split(separator: "\n").count <= 4, "\(refused.messages)")
                try await cardea.done("migrate")
                #expect(try await poor("doctor").status == 1)
                try await pool.execute("drop role \(identifier: role)")

                try await pool.execute(
                    "insert into audit.migration (version, name, sha256) values (9999, 'future', '')"
                )
                for verb in [["migrate"], ["query"], ["worker", "--until-idle"], ["import", "/dev/null"], ["up"]] {
                    let newer = try await cardea.run(verb)
                    #expect(newer.status == 1 && newer.messages.contains("newer"), "\(verb): \(newer.messages)")
                }
                #expect(try await cardea("doctor", "-o", "json").json().object?["ok"] == false)
            }
        }
    }

    @Test("a database that is not there is named")
    func wrongDatabase() async throws {
        try await withTestDatabase { database in
            try await withFolder { folder in
                let url = database.url.replacingOccurrences(of: database.name, with: "no_such_database")
                let outcome = try await CardeaCommand(url: url, home: folder)("query")
                #expect(outcome.status == 1 && outcome.messages.contains("no_such_database"), "\(outcome.messages)")
            }
        }
    }

    @Test("migrating twice at once, and again, changes nothing; shards grow and never shrink")
    func migrate() async throws {
        try await withTestDatabase { database in
            try await withFolder { folder in
                let cardea = CardeaCommand(url: database.url, home: folder)
                async let first = cardea("migrate")
                async let second = cardea("migrate")
                for outcome in try await [first, second] { #expect(outcome.status == 0, "\(outcome.messages)") }
                #expect(try await cardea.done("migrate").text.hasSuffix("nothing to do\n"))
                #expect(try await cardea.done("migrate", "--shards", "3").text.contains("shards 3"))
                #expect(try await cardea.done("migrate", "--shards", "2").text.contains("shards 3"))
            }
        }
    }
}
