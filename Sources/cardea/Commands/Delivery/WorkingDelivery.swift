import Alerting
import Configuration
import Detection
import Glibc
import Logging
import PostgreSQL
import ServiceLifecycle

/// The receivers and routes at work: the file `alerts.receivers` in the configuration (`CARDEA_ALERTS_RECEIVERS`), HOME/receivers.yml unless set.
struct WorkingDelivery {
    let path: String
    private let inhibitions: [Inhibition]

    /// - Throws: `Failure` where a file was named and is not there.
    init(_ settings: Settings) throws {
        let named = settings.reader.string(forKey: "alerts.receivers")
        path = named ?? settings.home + "/receivers.yml"
        inhibitions = try settings.inhibitions()
        if let named, access(named, R_OK) != 0 {
            throw Failure(
                "the file of receivers \(RowPrinter.visible(named)): \(String(cString: strerror(errno)))",
                hint: "alerts.receivers (CARDEA_ALERTS_RECEIVERS) names it.", status: 2)
        }
    }

    /// - Throws: `Failure`, with all faults of the file. No file: no receivers.
    ///
    /// - Parameter isLenient: whether receivers that cannot be read here are left out.
    func load(isLenient: Bool = false) throws -> DeliverySettings {
        guard access(path, F_OK) == 0 else { return DeliverySettings() }
        do {
            return try DeliverySettings(
                try RuleFiles.contents(of: path), file: path, variable: { getenv($0).map { String(cString: $0) } },
                contents: { try? RuleFiles.contents(of: $0, maximum: 64 << 10) }, isLenient: isLenient)
        } catch let errors as RuleErrors {
            throw Failure(errors.description, hint: "The documentation of Alerting shows such a file.", status: 2)
        }
    }

    /// The receiver of this name.
    func receiver(_ name: String) throws -> Receiver {
        let settings = try load(isLenient: true)
        if let receiver = settings[name] { return receiver }
        if let fault = settings.unreadable.first(where: { $0.name == name }) { throw Failure("\(fault.error)", status: 2) }
        let names = settings.receivers.map(\.name).joined(separator: ", ")
        throw Failure(
            "there is no receiver '\(name)'",
            hint: names.isEmpty ? "\(RowPrinter.visible(path)) holds none." : "\(RowPrinter.visible(path)) has: \(names).", status: 2)
    }

    /// Says who is told, and where the file lets others read a secret.
    func tell(_ settings: DeliverySettings) {
        if settings.receivers.isEmpty {
            StandardError.write("cardea: alerts are sent nowhere, for \(RowPrinter.visible(path)) names no receivers\n")
        } else {
            let names = settings.receivers.map { "\($0.name) (\($0.kind))" }.joined(separator: ", ")
            StandardError.write("cardea: alerts go to \(names)\n")
        }
        var status = stat()
        guard !settings.withSecrets.isEmpty, stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        StandardError.write(
            "cardea: others may read the secrets of \(settings.withSecrets.joined(separator: ", ")): chmod 600 \(RowPrinter.visible(path))\n"
        )
    }

    /// What tells receivers about alerts, and follows the file.
    func services(_ settings: DeliverySettings, _ pool: PostgresPool, logger: Logger) -> [any Service] {
        let atWork = DeliveryAtWork(settings)
        return [
            Dispatcher(pool: pool, settings: atWork, inhibitions: inhibitions, logger: logger),
            DeliveryWatcher(delivery: self, atWork: atWork, logger: logger),
        ]
    }
}

/// Follows the file of receivers; what does not load leaves the last good one at work.
private struct DeliveryWatcher: Service {
    let delivery: WorkingDelivery
    let atWork: DeliveryAtWork
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var seen = RuleFiles.Stamp(delivery.path)
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(2))
                let now = RuleFiles.Stamp(delivery.path)
                guard now != seen else { continue }
                seen = now
                do {
                    let settings = try delivery.load()
                    atWork.replace(settings)
                    logger.notice("The receivers were loaded anew", metadata: ["receivers.count": "\(settings.receivers.count)"])
                } catch {
                    logger.warning("The receivers cannot be loaded; the last good ones stay", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
