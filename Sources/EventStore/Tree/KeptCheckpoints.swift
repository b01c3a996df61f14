import AuditEvents
import Crypto
import Glibc
public import TransparencyLog

/// The newest checkpoint of each log that was signed here, in files beside the key. Who can rewrite the database alone cannot have another tree signed:
/// what was signed is known where the key is.
public struct KeptCheckpoints: Sendable {
    let folder: String

    public init(_ folder: String) { self.folder = folder }

    /// The file of a log, named by the hash of its origin, which may hold any character.
    public func path(_ origin: String) -> String {
        "\(folder)/\(Hexadecimal.encode(Array(SHA256.hash(data: Array(origin.utf8)).prefix(8)))).checkpoint"
    }

    /// Nil where none was signed here.
    ///
    /// - Throws: `StoreError` with `.file` for a file that is no checkpoint of this log.
    public func newest(_ origin: String) throws -> Checkpoint? {
        guard let bytes = try Files.read(path(origin)) else { return nil }
        guard let checkpoint = try? Checkpoint(SignedNote(bytes).text), checkpoint.origin.utf8.elementsEqual(origin.utf8) else {
            throw StoreError(.file, "\(path(origin)) is no checkpoint of \(origin)", hint: "Keep a copy, and remove it.")
        }
        return checkpoint
    }

    func keep(_ stored: StoredCheckpoint) throws {
        if let known = try newest(stored.checkpoint.origin), known.size >= stored.checkpoint.size { return }
        try Files.write(stored.note.bytes, path(stored.checkpoint.origin), mode: 0o600)
    }
}
