import ArgumentParser
import Compliance
import Configuration
import EventStore
import ExampleAPI
import Glibc
import PostgreSQL

/// A failure that ends a command, with what the person can do next.
struct Failure: Error {
    var message: String
    var hint: String?
    var status: Int32 = 1

    init(_ message: String, hint: String? = nil, status: Int32 = 1) { (self.message, self.hint, self.status) = (message, hint, status) }

    /// Ends the process as `error` asks: help and version on standard output with 0, usage with 2, everything else on standard error with 1.
    static func exit(_ error: any Error) -> Never {
        if let failure = error as? Failure {
            report(failure)
            Glibc.exit(failure.status)
        }
        if error is CancellationError { Glibc.exit(130) }
        let code = Cardea.exitCode(for: error)
        if code == .success {
            StandardOutput.write(Cardea.fullMessage(for: error) + "\n")
            Glibc.exit(0)
        }
        if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
        if code == .validationFailure {
            StandardError.write(Cardea.fullMessage(for: error) + "\n")
            Glibc.exit(2)
        }
        report(explain(error))
        Glibc.exit(1)
    }

    private static func report(_ failure: Failure) {
        StandardError.write("cardea: \(failure.message)\n" + (failure.hint.map { "  \($0)\n" } ?? ""))
    }

    private static func explain(_ error: any Error) -> Failure {
        switch error {
        case let error as StoreError: return Failure(error.message, hint: error.hint)
        case let error as ReportError: return Failure(error.message, hint: error.hint)
        case let error as PostgresError:
            switch error.code {
            case .connection where error.sqlState == "42501" || error.sqlState == "22023":
                return Failure("the database user may not act in the role that this needs: \(error.message)", hint: roles)
            case .connection, .poolTimeout:
                return Failure(
                    "the database cannot be reached: \(error.message)",
                    hint: error.hint
                        ?? "Check --database-url (or CARDEA_DATABASE_URL), or leave it out to use the private cluster. `cardea doctor` tells more."
                )
            case .server where error.sqlState == "42501": return Failure("the database refuses: \(error.message)", hint: roles)
            case .server: return Failure("the database refuses: \(error.message)", hint: error.hint)
            case .usage: return Failure(error.message, hint: error.hint ?? "Check --database-url (or CARDEA_DATABASE_URL).")
            default: return Failure(error.message, hint: error.hint)
            }
        default: return Failure("\(error)")
        }
    }

    private static let roles =
        "Grant the database user cardea_writer, cardea_worker, cardea_reader, cardea_responder or cardea_admin, or run `cardea migrate` as an owner."
}
