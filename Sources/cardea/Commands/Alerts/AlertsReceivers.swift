import Alerting
import ArgumentParser
import AuditEvents
import PostgreSQL

extension AlertsCommand {
    struct Receivers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who is told about alerts, and how that goes.",
            discussion: """
                Receivers and routes stand in HOME/receivers.yml (CARDEA_ALERTS_RECEIVERS), which running workers follow:

                  receivers:
                      oncall: {type: pagerduty, routing_key: {env: PAGERDUTY_KEY}}
                      chat: {type: slack, url: {file: /run/secrets/slack-url}}
                      hook: {type: webhook, url: https://example.com/alerts, secrets: [{env: HOOK_SECRET}]}
                      am: {type: alertmanager, url: http://10.0.0.7:9093, allow_private: true}
                      mail: {type: email, host: smtp.example.com, from: cardea@example.com, to: [oncall@example.com], user: u, password: {env: SMTP}}
                      siem: {type: syslog, host: 10.0.0.5, transport: tls, format: cef, allow_private: true}
                  routes:                                  # without routes everybody is told of everything
                      - {receivers: [oncall], severity: high}
                      - {receivers: [chat, mail], rules: [brute_force_account], tenants: [acme]}
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let deployment = try await Deployment.open(database)
            let delivery = try WorkingDelivery(deployment.settings)
            let settings = try delivery.load(isLenient: true)
            try await deployment.withPool(.reader, connections: 1) { pool in
                let (counts, disabled) = try await pool.withConnection { connection in
                    (try await DeliveryStore().counts(connection), try await DeliveryStore().disabled(settings, connection))
                }
                var printer = RowPrinter(
                    output.output, columns: ["name", "type", "destination", "state", "pending", "delivered", "dead"].map { .init($0) })
                printer.print(
                    settings.receivers.map { receiver -> JSONObject in
                        func count(_ state: Delivery.State) -> JSONValue { .int(Int64(counts[receiver.name]?[state] ?? 0)) }
                        return [
                            "name": .string(receiver.name), "type": .string(receiver.kind), "destination": .string(receiver.destination),
                            "state": .string(disabled.contains(receiver.name) ? "disabled" : "in use"), "pending": count(.pending),
                            "delivered": count(.delivered), "dead": count(.dead),
                        ]
                    })
                printer.finish()
                for fault in settings.unreadable {
                    StandardError.write("cardea: \(fault.name) cannot be read here: \(RowPrinter.visible("\(fault.error)"))\n")
                }
                if settings.receivers.isEmpty, settings.unreadable.isEmpty, output.output == .table {
                    StandardError.write(
                        "no receivers: \(RowPrinter.visible(delivery.path)) names none; `cardea help alerts receivers` shows such a file\n")
                }
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a test to a receiver, at once, and say what it answered.",
            discussion: "A receiver that is disabled and takes the test is in use again. Exit status 1 where it does not take it.")
        @Argument(help: "The receiver's name.") var receiver: String
        @OptionGroup var person: PersonOptions
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let settings = try await Settings(database)
            let receiver = try WorkingDelivery(settings).receiver(receiver)
            let attempt = await DeliveryChannel.test(receiver)
            guard case .status(200...299, _) = attempt.outcome else {
                throw Failure(
                    "\(receiver.name) (\(receiver.kind), \(receiver.destination)) did not take it: \(RowPrinter.visible(attempt.detail))")
            }
            StandardOutput.write("\(receiver.name) took it: \(RowPrinter.visible(attempt.detail))\n")
            guard let deployment = try await Deployment.openIfRunning(settings) else { return }
            try await deployment.withPool(.responder, connections: 1) { pool in
                if try await AlertDesk(pool).enable(receiver: receiver.name, by: person.name) {
                    StandardOutput.write(
                        "\(receiver.name) is in use again; `cardea deliveries replay --dead --receiver \(receiver.name)` sends what it missed\n"
                    )
                }
            }
        }
    }
}
