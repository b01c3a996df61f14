import AuditEvents
import DatabaseTesting
import EventStore
import Foundation
import PostgreSQL
import Testing
import TransparencyLog

@testable import Compliance

@Suite("a package for an auditor")
struct PackageTests {
    static func request(_ filter: EventFilter = EventFilter()) -> ExportRequest {
        let query = filter.expression
        return ExportRequest(query: query.text, condition: query.condition, since: query.since, until: query.until)
    }

    static func filter(_ change: (inout EventFilter) -> Void) -> EventFilter {
        var filter = EventFilter()
        change(&filter)
        return filter
    }

    /// Rewrites the manifest around files that were changed, and signs it anew where there is a key: as who makes the package could.
    static func resign(_ folder: String, _ key: NoteSigner?) throws {
        var manifest = try ExportManifest(try #require(try Files.read("\(folder)/manifest.json")))
        manifest.files = try manifest.files.map { file in
            var written = try PackageFile(file.path + ".x", in: folder)
            try written.append(try #require(try Files.read("\(folder)/\(file.path)")))
            var renewed = try written.finish()
            try FileManager.default.removeItem(atPath: "\(folder)/\(file.path).x")
            (renewed.path, renewed.records) = (file.path, file.records)
            return renewed
        }
        try Files.write(manifest.bytes, "\(folder)/manifest.json")
        guard let signer = key?.named(manifest.shards[0].origin) else { return }
        let text = ExportManifest.noteText(manifest.bytes, origin: manifest.shards[0].origin)
        try Files.write(SignedNote(text: text, signatures: [try signer.sign(text)]).bytes, "\(folder)/manifest.note")
    }

    static func verdict(_ path: String, _ verifier: PackageVerifier) -> PackageFinding.Verdict? {
        do {
            _ = try verifier.verify(path)
            return nil
        } catch let finding as PackageFinding { return finding.verdict } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test("verifies offline with the key alone, as a folder and as a tar, and comes out the same again")
    func whole() async throws {
        try await withProofBed(shards: 3) { bed in
            for tenant in ["default", "acme", "umbrella", "wayne"] { try await bed.append(200, tenant) }
            let signed = try await bed.sign()
            try #require(signed.count > 1)
            try await withFolder { folder in
                let exporter = Exporter(bed.workers, signer: try await bed.signer())
                let request = PackageTests.request(PackageTests.filter { $0.actors = ["user3"] })
                let made = try await exporter.export(request, into: "\(folder)/a")
                #expect(made.events == 800 && made.matches == 160)
                _ = try await exporter.export(request, into: "\(folder)/b")
                for name in try Exporter.names("\(folder)/a") {
                    #expect(try Files.read("\(folder)/a/\(name)") == Files.read("\(folder)/b/\(name)"), "\(name)")
                }
                try Exporter.pack("\(folder)/a", to: "\(folder)/a.tar")
                // The key under the name of one shard is enough for all.
                let key = try #require(bed.key.verifier.named("\(try await bed.store.name())/1"))
                for path in ["a", "a.tar"] {
                    let report = try PackageVerifier(keys: [key]).verify("\(folder)/\(path)")
                    #expect(
                        report.matches == 160 && report.leaves == 800 && report.tier == .tamperDetecting
                            && report.origins.count == signed.count)
                }
                let other = try #require(NoteSigner(name: key.name)).verifier
                #expect(PackageTests.verdict("\(folder)/a", PackageVerifier(keys: [other])) == .tampered)
                // Formula cells are text.
                let csv = String(decoding: try #require(try Files.read("\(folder)/a/events.csv")), as: UTF8.self)
                #expect(csv.utf8.count > 0 && csv.contains("'=cmd|' /C calc'!A0") && !csv.contains(",=cmd"))
            }
        }
    }

    @Test("a period of which nothing was recorded verifies too")
    func nothing() async throws {
        try await withProofBed { bed in
            try await bed.append(20)
            try await bed.sign()
            try await withFolder { folder in
                let request = PackageTests.request(PackageTests.filter { $0.since = Timestamp.now().advanced(bySeconds: 3600) })
                let made = try await Exporter(bed.workers, signer: try await bed.signer()).export(request, into: "\(folder)/a")
                #expect(made.events == 0)
                let key = try #require(bed.key.verifier.named("\(try await bed.store.name())/0"))
                #expect(try PackageVerifier(keys: [key]).verify("\(folder)/a").leaves == 0)
            }
        }
    }

    @Test("every change to it is seen, with its hashes mended or not", arguments: [false, true])
    func mutations(mended: Bool) async throws {
        try await withProofBed { bed in
            try await bed.append(40)
            let first = try await bed.sign()
            // The period begins in the middle of the record.
            try await bed.tamper(
                "update audit.log set sealed_at = sealed_at - interval '1 day'; update audit.head set sealed_at = sealed_at - interval '1 day'"
            )
            try await bed.tamper("truncate audit.tree; truncate audit.signed_checkpoint cascade")
            try await bed.sign()
            try await bed.append(300)
            try await bed.sign()
            _ = first
            try await withFolder { root in
                let good = "\(root)/good"
                let since = Timestamp.now().advanced(bySeconds: -3600)
                let made = try await Exporter(bed.workers, signer: try await bed.signer()).export(
                    PackageTests.request(
                        PackageTests.filter {
                            $0.actors = ["user1", "user2"]
                            $0.since = since
                        }), into: good)
                #expect(made.events == 300)
                let key = try #require(bed.key.verifier.named("\(try await bed.store.name())/0"))
                let verifier = PackageVerifier(keys: [key])
                #expect(try verifier.verify(good).leaves == 300)
                var number = 0
                /// A copy with one file changed must not verify.
                func expectSeen(_ what: String, _ path: String, _ change: ([UInt8]) throws -> [UInt8]?) throws {
                    number += 1
                    let copy = "\(root)/\(number)"
                    try FileManager.default.copyItem(atPath: good, toPath: copy)
                    defer { try? FileManager.default.removeItem(atPath: copy) }
                    let before = try #require(try Files.read("\(copy)/\(path)"))
                    if let after = try change(before) {
                        try #require(after != before, "\(what) changes something")
                        try Files.write(after, "\(copy)/\(path)")
                        // Whoever made the package could mend the manifest, and sign it; whoever got it could only mend the hashes.
                        if mended, path != "manifest.json", path != "manifest.note" { try PackageTests.resign(copy, bed.key) }
                    } else {
                        try FileManager.default.removeItem(atPath: "\(copy)/\(path)")
                    }
                    let verdict = PackageTests.verdict(copy, verifier)
                    #expect(verdict != nil, "\(what) in \(path)")
                }
                func lines(_ bytes: [UInt8]) -> [[UInt8]] { bytes.split(separator: 0x0a).map { Array($0) + [0x0a] } }
                for line in [0, 1, 150, 298, 299] {
                    try expectSeen("a leaf dropped at \(line)", "events.jsonl") { bytes in
                        var all = lines(bytes)
                        all.remove(at: line)
                        return all.flatMap(\.self)
                    }
                    try expectSeen("a leaf twice at \(line)", "events.jsonl") { bytes in
                        var all = lines(bytes)
                        all.insert(all[line], at: line)
                        return all.flatMap(\.self)
                    }
                    try expectSeen("a header edited at \(line)", "events.jsonl") { bytes in
                        var all = lines(bytes)
                        all[line] = Array(
                            String(decoding: all[line], as: UTF8.self).replacing("\"outcome\":\"failure\"", with: "\"outcome\":\"success\"")
                                .utf8)
                        return all.flatMap(\.self)
                    }
                }
                try expectSeen("two leaves exchanged", "events.jsonl") { bytes in
                    var all = lines(bytes)
                    all.swapAt(10, 11)
                    return all.flatMap(\.self)
                }
                try expectSeen("the tail cut", "events.jsonl") { Array($0.dropLast(2000)) }
                try expectSeen("the tail cut at a line", "events.jsonl") { lines($0).dropLast(5).flatMap(\.self) }
                try expectSeen("an event withheld", "events.jsonl") { bytes in
                    var all = lines(bytes)
                    let at = try #require(all.firstIndex { String(decoding: $0, as: UTF8.self).contains("\"match\":true") })
                    var object = try #require(try JSONValue(parsing: all[at].dropLast()).object)
                    for name in ["match", "body", "salt"] { object[name] = nil }
                    all[at] = CanonicalJSON.encode(.object(object)) + [0x0a]
                    return all.flatMap(\.self)
                }
                for (from, to) in [
                    ("\"salt\":\"", "\"salt\":\"00"), ("\"target\":\"orders/7\"", "\"target\":\"orders/8\""), ("\"match\":true,", ""),
                    ("\"index\":100,", "\"index\":101,"), ("\"shard\":0", "\"shard\":1"), ("\"privileged\":false", "\"privileged\":true"),
                    ("\"v\":1", "\"v\": 1"), ("\"v\":1}", "\"v\":1,\"w\":1}"), ("\"tenant\":\"default\"", "\"tenant\":\"acme\""),
                ] {
                    try expectSeen("\(from) made \(to)", "events.jsonl") { bytes in
                        let text = String(decoding: bytes, as: UTF8.self)
                        guard let range = text.firstRange(of: from) else { return Array(text.utf8) }
                        return Array(text.replacingCharacters(in: range, with: to).utf8)
                    }
                }
                try expectSeen("a cell edited", "events.csv") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("orders/7", with: "orders/8", maxReplacements: 1).utf8)
                }
                try expectSeen("a row dropped", "events.csv") { lines($0).dropLast().flatMap(\.self) }
                try expectSeen("an OCSF line edited", "ocsf.jsonl") {
                    Array(
                        String(decoding: $0, as: UTF8.self).replacing("\"class_uid\":3002", with: "\"class_uid\":3003", maxReplacements: 1)
                            .utf8)
                }
                try expectSeen("a total edited", "report.json") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("\"matches\":120", with: "\"matches\":119").utf8)
                }
                try expectSeen("the page edited", "report.html") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("120 events", with: "119 events").utf8)
                }
                try expectSeen("the instructions edited", "VERIFY.md") { $0 + Array("Trust us.\n".utf8) }
                try expectSeen("the boundary edited", "proof/0/range.json") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("failure", with: "success").utf8)
                }
                try expectSeen("the boundary's time edited", "proof/0/range.json") { bytes in
                    Array(String(decoding: bytes, as: UTF8.self).replacing("\"size\":340", with: "\"size\":341").utf8)
                }
                try expectSeen("a hash of the range edited", "proof/0/range.json") { bytes in
                    var object = try #require(try JSONValue(parsing: bytes).object)
                    object["left"] = .array([.string(MerkleHash.empty.description)] + (object["left"]?.array ?? []).dropFirst())
                    return CanonicalJSON.encode(.object(object))
                }
                try expectSeen("another root", "proof/0/checkpoint.end") { bytes in
                    let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
                        String.init)
                    return Array(([text[0], text[1], MerkleHash.empty.description] + text[3...]).joined(separator: "\n").utf8)
                }
                try expectSeen("a checkpoint signed by another", "proof/0/checkpoint.end") { bytes in
                    let note = try SignedNote(bytes)
                    let other = try #require(NoteSigner(name: try Checkpoint(note.text).origin))
                    return SignedNote(text: note.text, signatures: [try other.sign(note.text)]).bytes
                }
                try expectSeen("the manifest edited", "manifest.json") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("\"matches\":120", with: "\"matches\":119").utf8)
                }
                try expectSeen("the period edited", "manifest.json") {
                    Array(
                        String(decoding: $0, as: UTF8.self).replacing("\"until\":null", with: "\"until\":\"2030-01-01T00:00:00.000000Z\"")
                            .utf8)
                }
                try expectSeen("the note edited", "manifest.note") {
                    Array(String(decoding: $0, as: UTF8.self).replacing("export/v1", with: "export/v2").utf8)
                }
                for path in [
                    "manifest.json", "manifest.note", "events.jsonl", "events.csv", "proof/0/checkpoint.end", "proof/0/range.json",
                    "proof/0/checkpoint.start", "proof/0/consistency", "report.html", "custody.jsonl",
                ] {
                    try expectSeen("the file removed", path) { _ in nil }
                }
                for path in [
                    "events.jsonl", "manifest.json", "manifest.note", "proof/0/checkpoint.end", "proof/0/checkpoint.start",
                    "proof/0/range.json", "ocsf.jsonl",
                ] {
                    // One byte, anywhere in the file.
                    for place in 0..<7 {
                        try expectSeen("a byte flipped at \(place)/7", path) { bytes in
                            var bytes = bytes
                            bytes[bytes.count * place / 7] ^= 1
                            return bytes
                        }
                    }
                }
                try FileManager.default.copyItem(atPath: good, toPath: "\(root)/more")
                try Files.write([1], "\(root)/more/notes.txt")
                #expect(PackageTests.verdict("\(root)/more", verifier) == .tampered)
                // A tar that ends early, and one with a byte changed.
                try Exporter.pack(good, to: "\(root)/good.tar")
                let tar = try #require(try Files.read("\(root)/good.tar"))
                #expect(try verifier.verify("\(root)/good.tar").leaves == 300)
                for cut in [1, 5, 9] {
                    try Files.write(Array(tar.prefix(tar.count * cut / 10)), "\(root)/cut.tar")
                    #expect(PackageTests.verdict("\(root)/cut.tar", verifier) == .incomplete)
                    var flipped = tar
                    flipped[tar.count * cut / 10] ^= 0x40
                    try Files.write(flipped, "\(root)/flipped.tar")
                    #expect(PackageTests.verdict("\(root)/flipped.tar", verifier) != nil)
                }
            }
        }
    }

    @Test("who kept a checkpoint sees that nothing before it was rewritten, or that it was")
    func held() async throws {
        try await withProofBed { bed in
            try await bed.append(100)
            let kept = try #require(try await bed.sign()[0])
            try await bed.append(100)
            try await bed.sign()
            try await withFolder { folder in
                let exporter = Exporter(bed.workers, signer: try await bed.signer())
                _ = try await exporter.export(PackageTests.request(), into: "\(folder)/a")
                let key = try #require(bed.key.verifier.named(kept.checkpoint.origin))
                let verifier = PackageVerifier(keys: [key], held: [kept.note])
                let report = try verifier.verify("\(folder)/a")
                #expect(report.tier != .tamperDetecting)
                try await bed.tamper(
                    """
                    update audit.event set outcome = 'success' where id = (select id from audit.log where index = 7);
                    truncate audit.tile; truncate audit.tree; truncate audit.signed_checkpoint cascade
                    """)
                try await bed.sign()
                _ = try await exporter.export(PackageTests.request(), into: "\(folder)/b")
                #expect(try PackageVerifier(keys: [key]).verify("\(folder)/b").tier == .tamperDetecting)
                #expect(PackageTests.verdict("\(folder)/b", verifier) == .tampered)
            }
        }
    }

    @Test("an export that was interrupted goes on, to the same bytes")
    func resumed() async throws {
        try await withProofBed { bed in
            for _ in 0..<3 { try await bed.append(3000) }
            try await bed.sign()
            try await withFolder { folder in
                let exporter = Exporter(bed.workers, signer: try await bed.signer())
                _ = try await exporter.export(PackageTests.request(), into: "\(folder)/whole")
                let whole = try #require(try Files.read("\(folder)/whole/events.jsonl"))
                let csv = try #require(try Files.read("\(folder)/whole/events.csv"))
                // What a killed one leaves: files longer than the state knows.
                let manifest = try ExportManifest(try #require(try Files.read("\(folder)/whole/manifest.json")))
                let parts = try JSONValue(parsing: CanonicalJSON.encode(.object(manifest.json))).object
                #expect(parts != nil)
                let half = whole.split(separator: 0x0a).prefix(4000).reduce(0) { $0 + $1.count + 1 }
                var totals = ExportTotals()
                var rows = 0
                for line in whole.prefix(half).split(separator: 0x0a) {
                    if case .event(let leaf, let telling, _) = try PackageLine(line, "x").content {
                        totals.count(leaf, telling)
                        rows += 1
                    }
                }
                var csvBytes: [UInt8] = []
                CSVRow.append(ExportFormatter.csvColumns, to: &csvBytes)
                for line in whole.prefix(half).split(separator: 0x0a) {
                    if case .event(let leaf, let telling, let body) = try PackageLine(line, "x").content {
                        ExportFormatter.appendCSV(leaf, telling, body, to: &csvBytes)
                    }
                }
                #expect(csv.starts(with: csvBytes))
                var ocsfBytes: [UInt8] = []
                for line in whole.prefix(half).split(separator: 0x0a) {
                    if case .event(let leaf, _, let body) = try PackageLine(line, "x").content {
                        ExportFormatter.appendOCSF(leaf, body, to: &ocsfBytes)
                    }
                }
                let shard = manifest.shards[0]
                var state = ExportState(
                    identity: "\(manifest.query)\nall\ncsv,html,ocsf,oscal\n0:0:\(shard.size):\(shard.root):[]", shard: 0, index: 4000)
                state.totals = totals
                state.files = [
                    "events.jsonl": (Int64(half), rows), "events.csv": (Int64(csvBytes.count), rows),
                    "ocsf.jsonl": (Int64(ocsfBytes.count), rows),
                ]
                let resumed = "\(folder)/resumed"
                try Files.write(Array(whole.prefix(half)) + Array("half a line".utf8), "\(resumed)/events.jsonl")
                try Files.write(csvBytes + [1, 2, 3], "\(resumed)/events.csv")
                try Files.write(ocsfBytes, "\(resumed)/ocsf.jsonl")
                try state.save(resumed)
                var first: Int64?
                _ = try await exporter.export(PackageTests.request(), into: resumed) { done, _ in if first == nil { first = done } }
                #expect(first == 6000, "it began at 4000")
                for name in try Exporter.names("\(folder)/whole") {
                    #expect(try Files.read("\(folder)/whole/\(name)") == Files.read("\(resumed)/\(name)"), "\(name)")
                }
            }
        }
    }
}
