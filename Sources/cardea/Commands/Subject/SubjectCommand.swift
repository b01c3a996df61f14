import ArgumentParser

/// What is stored about somebody: to hand out, and to erase.
struct SubjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subject", abstract: "Hand out, or erase, what is stored about somebody.",
        discussion: """
            A subject is an actor: its id or its name, exactly as events have it. Erasing empties bodies and searched copies, and what was made of them; \
            headers, hashes and proofs stay. What others' events hold too (a shared address) is not the subject's alone and stays with them.
            """,
        subcommands: [SubjectExportCommand.self, SubjectEraseCommand.self])
}
