import ArgumentParser
import AuditEvents
import Compliance
import EventStore
import TransparencyLog

struct VerifyPackage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "package", abstract: "Verify an export (folder or .tar) or a proof (.tlog-proof): offline, no database.",
        discussion: "Keys never come from the package: give the vkey that you were told by another way.")

    @Argument(help: "The package's folder or tar, or a proof.") var package: String
    @Option(help: ArgumentHelp("The log's public key, as `cardea keys show` prints it. May be repeated.", valueName: "vkey")) var vkey:
        [String] = []
    @Option(
        help: ArgumentHelp("A checkpoint of the log that you kept: the package must contain it. May be repeated.", valueName: "checkpoint"))
    var since: [String] = []
    @Option(help: ArgumentHelp("Which witnesses must have signed (C2SP tlog-policy).", valueName: "file")) var policy: String?
    @Flag(help: "Print the verdict as JSON.") var json = false

    func run() async throws {
        var policy: WitnessPolicy?
        if let path = self.policy {
            do { policy = try WitnessPolicy(String(decoding: try VerifyPackage.file(path), as: UTF8.self)) } catch let error as NoteError {
                throw Failure("\(path): \(error)", status: 2)
            }
        }
        let keys = try ProofDesk.verifiers(vkey, nil)
        guard !keys.isEmpty || policy?.logs.isEmpty == false else {
            throw ValidationError("Give the log's public key: --vkey, or a --policy that names the log.")
        }
        let held = try since.map { path in
            do { return try SignedNote(try VerifyPackage.file(path)) } catch let error as NoteError {
                throw Failure("\(path) is no checkpoint: \(error)", status: 2)
            }
        }
        let verifier = PackageVerifier(keys: keys, held: held, policy: policy)
        do {
            let report: PackageVerifier.Report
            var leaf: [UInt8]?
            if let bytes = try? Files.read(package), bytes.starts(with: "c2sp.org/tlog-proof@".utf8) {
                let result = try verifier.verify(proof: bytes, package)
                (report, leaf) = (result.report, result.leaf)
            } else {
                report = try verifier.verify(package) { lines in
                    if StandardError.isTerminal { StandardError.write("\r\u{1b}[K\(lines) leaves") }
                }
                if StandardError.isTerminal { StandardError.write("\r\u{1b}[K") }
            }
            tell(report, leaf)
        } catch let finding as PackageFinding {
            if json {
                let verdict: JSONObject = [
                    "verdict": .string(finding.verdict.rawValue), "place": .string(finding.place), "finding": .string(finding.message),
                ]
                StandardOutput.write(RowPrinter.text(.object(verdict)) + "\n")
            } else {
                StandardOutput.write(RowPrinter.visible("\(finding.verdict.rawValue): \(finding)") + "\n")
            }
            throw ExitCode(finding.verdict == .tampered ? 1 : 3)
        }
    }

    private func tell(_ report: PackageVerifier.Report, _ leaf: [UInt8]?) {
        if json {
            var verdict: JSONObject = [
                "verdict": "valid", "tier": .string(report.tier == .tamperDetecting ? "tamper-detecting" : "tamper-evident"),
                "claim": .string(report.tier.text), "origins": .array(report.origins.map(JSONValue.string)),
                "leaves": .int(Int64(report.leaves)),
                "sizes": .array(report.sizes.map { .int(Int64($0)) }), "matches": .int(Int64(report.matches)),
                "withheld": .int(Int64(report.withheld)), "pruned": .int(Int64(report.pruned)),
            ]
            verdict["query"] = report.query.map(JSONValue.string)
            verdict["leaf"] = leaf.flatMap { try? JSONValue(parsing: $0) }
            StandardOutput.write(RowPrinter.text(.object(verdict)) + "\n")
            return
        }
        var text = "valid: "
        if let leaf {
            text +=
                "in the log \(report.origins[0]), of \(report.sizes[0]) leaves: \(RowPrinter.visible(String(decoding: leaf, as: UTF8.self)))\n"
        } else {
            text += "\(report.matches) matches among \(report.leaves) leaves of \(report.origins.joined(separator: ", "))\n"
            text += "query: \(RowPrinter.visible(report.query.flatMap { $0.isEmpty ? nil : $0 } ?? "(everything)"))\n"
            if report.withheld > 0 { text += "\(report.withheld) matches show no body: erased, or redacted\n" }
            if report.pruned > 0 {
                text += "\(report.pruned) leaves are shown as hashes alone: their events left the record past retention\n"
            }
        }
        StandardOutput.write(text + report.tier.text + "\n")
    }

    private static func file(_ path: String) throws -> [UInt8] {
        guard let bytes = try Files.read(path) else { throw Failure("there is no \(path)", status: 2) }
        return bytes
    }
}
