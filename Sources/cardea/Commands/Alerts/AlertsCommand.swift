import Alerting
import ArgumentParser
import AuditEvents
import Configuration
import Detection
import EventStore
import Glibc
import PostgreSQL

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "List alerts, look into one, say what becomes of it.",
        discussion: """
            An alert is open until somebody deals with it: ack (seen), assign (to somebody), resolve (over, or a false positive). One that takes no \
            further events for as long as its rule says is resolved as idle; it stays in the list until somebody has seen it. An event after a \
            resolve reopens it. Every change is an event on the record: `cardea query --type 'audit_alert_*'`.
            """,
        subcommands: [
            List.self, Show.self, Explain.self, Acknowledge.self, Assign.self, Resolve.self, Reopen.self, Note.self, SilenceCommand.self,
            Silences.self, Receivers.self, Test.self,
        ],
        defaultSubcommand: List.self)

    static let columns: [RowPrinter.Column] = [
        .init("id") { $0["id"]?.string.map { .string(String($0.prefix(8))) } },
        .init("state") { row in
            let marks = [row["silenced_by"]?.string.map { _ in "silenced" }, row["inhibited_by"]?.string.map { _ in "inhibited" }]
            let state = row["state"]?.string ?? ""
            let idle = row["closing"]?.string == "idle" ? " (idle)" : ""
            return .string(([state + idle] + marks.compactMap(\.self)).joined(separator: ", "))
        }, .init("severity"), .init("rule"),
        .init("group") { row in
            row["group"]?.object.map { group in
                .string(group.members.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: " "))
            }
        }, .init("count"), .init("first_seen"), .init("last_seen"), .init("assignee"),
    ]

    /// For a program: the whole id, and every mark in a column of its own.
    static let csvColumns: [RowPrinter.Column] =
        [.init("id"), .init("state")] + columns.dropFirst(2)
        + ["acknowledged_by", "closing", "closed_by", "silenced_by", "inhibited_by"].map { .init($0) }

    /// The one alert whose id begins so.
    static func alert(_ id: String, _ connection: PostgresConnection) async throws -> StoredAlert {
        let found = try await AlertStore().find(id, connection)
        guard let alert = found.first else { throw Failure("there is no alert \(id)", hint: "`cardea alerts list --all` shows them.") }
        guard found.count == 1 else { throw Failure("\(found.count) alerts begin with \(id)", hint: "Give more of the id.") }
        return alert
    }

    static func check(id: String) throws {
        guard id.filter(\.isHexDigit).count >= 4, id.allSatisfy({ $0.isHexDigit || $0 == "-" }) else {
            throw ValidationError("'\(id)' is no alert id; give at least 4 of its hex digits.")
        }
    }

    /// The alert as JSON, with what keeps the news about it back: `silenced_by`, `inhibited_by`.
    static func json(_ alert: StoredAlert, _ suppression: AlertSuppression, at now: Timestamp) -> JSONObject {
        var object = alert.json
        object["silenced_by"] = .null
        object["inhibited_by"] = .null
        switch suppression.verdict(for: AlertFacts(alert), at: now) {
        case .deliver: break
        case .silenced(let by): object["silenced_by"] = .string(by)
        case .inhibited(let by): object["inhibited_by"] = .string(by.description)
        }
        return object
    }
}

/// Who does something; the command's `--as`.
struct PersonOptions: ParsableArguments {
    @Option(name: .customLong("as"), help: ArgumentHelp("Who does this; your user name unless said.", valueName: "name"))
    var person: String?

    /// The name that goes on the record.
    var name: String {
        person ?? PersonOptions.loginName
    }

    /// Who is signed in to this machine.
    static var loginName: String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "uid \(getuid())" }
        return String(cString: name)
    }

    func validate() throws {
        if let person, person.isEmpty { throw ValidationError("--as is empty.") }
    }
}

extension Settings {
    /// What mutes what.
    ///
    /// - `alerts.inhibitions` (list of strings, none): `MATCHER… mutes MATCHER… [equal LABEL…]` each; see `Inhibition`
    func inhibitions() throws -> [Inhibition] {
        let lines: [String] = reader.stringArray(forKey: "alerts.inhibitions", default: [])
        return try lines.map { text in
            do { return try Inhibition(text) } catch let error as AlertingError {
                throw Failure("alerts.inhibitions: \(error.message)", hint: error.hint, status: 2)
            }
        }
    }
}

/// What a command about one alert is told.
struct OneAlert: ParsableArguments {
    @Argument(help: "The alert's id, or enough of its beginning.") var id: String
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws { try AlertsCommand.check(id: id) }
}
