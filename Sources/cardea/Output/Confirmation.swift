import ArgumentParser
import Glibc

/// Asks a person before something that cannot be undone.
enum Confirmation {
    /// - Throws: `Failure` where the answer is not yes, or nobody can be asked.
    static func ask(_ question: String, yes: Bool) throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else { throw Failure("nobody is there to be asked", hint: "Say --yes, or --dry-run.", status: 2) }
        StandardError.write(RowPrinter.visible(question) + " [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else { throw Failure("nothing was done") }
    }
}
