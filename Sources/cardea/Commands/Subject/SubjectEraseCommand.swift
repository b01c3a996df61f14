import ArgumentParser
import AuditEvents
import EventStore
import PostgreSQL

struct SubjectEraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase a subject's personal data; cannot be undone.",
        discussion: "One that was interrupted goes on when it is called again. Under a legal hold it is refused, and the record says so.")
    @Argument(help: "The actor's id or name, exactly.") var subject: String
    @Option(help: "Why; it stays on the record, so do not name the subject.") var reason: String
    @Option(help: "In this tenant's record. Needed where several have such a subject.") var tenant: String?
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var person: PersonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var database: DatabaseOptions

    static let columns: [RowPrinter.Column] = ["erasure", "tenant", "subject", "events", "own_events", "cleared"].map { .init($0) }

    func validate() throws {
        if subject.isEmpty { throw ValidationError("The subject is empty.") }
        if !reason.utf8.contains(where: { $0 > 0x20 }) { throw ValidationError("--reason must say something.") }
    }

    func run() async throws {
        let deployment = try await Deployment.open(database)
        if !dryRun { try await replaySpool(deployment) }
        try await deployment.withPool(.admin, connections: 2) { pool in
            let erasure = SubjectErasure(pool)
            let present = try await erasure.presence(subject, tenant: tenant)
            guard let place = try await erasure.tenant(of: subject, asked: tenant, present: present) else {
                StandardError.write("nothing on the record is of this subject; to go through notes and deliveries too, say --tenant\n")
                return
            }
            if dryRun {
                show(try await erasure.dryRun(subject, tenant: place, present: present))
                return
            }
            let events = present.first { $0.tenant == place }?.events ?? 0
            try Confirmation.ask("Erase \(events) events of \(subject) in the tenant \(place)? This cannot be undone.", yes: yes)
            var state = ""
            var looked: Int64 = 0
            let report = try await erasure.erase(subject, tenant: place, reason: reason, by: person.name) { progress in
                if progress.state != state { (state, looked) = (progress.state, 0) }
                let before = looked
                looked += progress.looked
                if before == 0 || looked / 100_000 > before / 100_000 {
                    StandardError.write("\(state): \(looked) events looked at, \(progress.emptied) emptied\n")
                }
            }
            show(report)
        }
    }

    private func show(_ report: ErasureReport) {
        var printer = RowPrinter(output.output, columns: SubjectEraseCommand.columns)
        printer.print([report.json])
        printer.finish()
    }

    /// Events that wait on disk must be on the record first, or they would come back.
    private func replaySpool(_ deployment: Deployment) async throws {
        guard let directory = deployment.settings.store.spoolDirectory else { return }
        let rest = try await deployment.withPool(.writer, connections: 1) { pool in
            try await SpoolDrain(pool, directory: directory, limit: deployment.settings.store.spoolLimit).run(lookingFor: subject)
        }
        if rest.stored > 0 { StandardError.write("\(rest.stored) events of the spool were stored first\n") }
        for file in rest.busy {
            StandardError.write("\(file) belongs to a running process, which stores it by itself; erase once more when it is gone\n")
        }
        for file in rest.damaged { StandardError.write("\(file) is damaged and names the subject: delete it\n") }
    }
}
