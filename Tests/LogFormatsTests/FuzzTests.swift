import AuditEvents
import AuditTesting
import LogFormats
import Testing

/// Nothing that a log can hold traps, and whatever comes out can be stored.
@Suite struct FuzzTests {
    static let all = SampleLines.all.map { Array($0.line.utf8) }

    /// Checks what a store relies on.
    static func check(_ result: LogLine, _ line: [UInt8]) {
        switch result {
        case .record(let record):
            let texts = [
                record.body.path, record.body.actor?.name, record.body.client?.userAgent, record.body.client?.ip, record.method,
                record.body.target,
            ]
            let isSound =
                record.time >= .epoch && record.time <= now.advanced(bySeconds: 600)
                && (1...LogRecord.maximumRepetitions).contains(record.repetitions)
                && texts.allSatisfy { $0?.utf8.contains(0) != true }
            if !isSound { Issue.record("\(record) of \(line)") }
        case .skipped(let reason), .rejected(let reason):
            if reason.isEmpty { Issue.record("no reason for \(line)") }
        }
    }

    @Test("a good line cut at any place is an event, skipped or rejected")
    func cuts() {
        for line in Self.all {
            for length in 0..<line.count {
                var parser = parser()
                Self.check(parser.parse(line[..<length]), line)
                Self.check(parser.parse(line[length...]), line)
            }
        }
    }

    @Test("good lines with bytes changed, inserted, removed and doubled")
    func mutations() {
        var generator = SeededGenerator(seed: 1)
        var parser = parser()
        let special: [UInt8] = [0, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x2d, 0x30, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x80, 0xc3, 0xff]
        for round in 0..<20_000 {
            var line = Self.all[round % Self.all.count]
            for _ in 0...Int.random(in: 0...4, using: &generator) {
                guard !line.isEmpty else { break }
                let place = Int.random(in: 0..<line.count, using: &generator)
                let byte =
                    Bool.random(using: &generator) ? special[Int(generator.next() % 16)] : UInt8(truncatingIfNeeded: generator.next())
                switch generator.next() % 5 {
                case 0: line[place] = byte
                case 1: line.insert(byte, at: place)
                case 2: line.remove(at: place)
                case 3: line.removeSubrange(place..<min(line.count, place + Int(generator.next() % 20)))
                default: line.insert(contentsOf: line[place..<min(line.count, place + Int(generator.next() % 40))], at: place)
                }
            }
            Self.check(parser.parse(line), line)
        }
    }

    @Test("the head of one line with the tail of another")
    func splices() {
        var generator = SeededGenerator(seed: 2)
        var parser = parser()
        for _ in 0..<5000 {
            let (a, b) = (Self.all.randomElement(using: &generator) ?? [], Self.all.randomElement(using: &generator) ?? [])
            let line = Array(
                a.prefix(Int.random(in: 0...a.count, using: &generator)) + b.suffix(Int.random(in: 0...b.count, using: &generator)))
            Self.check(parser.parse(line), line)
        }
    }

    @Test("random bytes, and random bytes behind a good beginning")
    func garbage() {
        var generator = SeededGenerator(seed: 3)
        for format in [nil] + LogFormat.all.map(Optional.some) {
            var parser = parser(format)
            for _ in 0..<1000 {
                let line = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                Self.check(parser.parse(line), line)
                let head = Array("Feb 12 14:10:21 host sshd[1]: Failed password for invalid user ".utf8) + line
                Self.check(parser.parse(head), head)
            }
        }
    }

    @Test("random bytes as a file, plain and behind gzip's magic")
    func garbageFiles() {
        var generator = SeededGenerator(seed: 4)
        for round in 0..<200 {
            var bytes = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            if round % 2 == 0 { bytes = [0x1f, 0x8b, 8, 0] + bytes }
            _ = try? LogInputTests.read(bytes, by: Int.random(in: 1...512, using: &generator), limit: 100)
        }
    }
}
