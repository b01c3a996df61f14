import AuditEvents
import LogFormats
import Testing

@Suite struct DetectionOfFormatsTests {
    @Test("every format is found by its name and its aliases, in any case")
    func names() {
        for format in LogFormat.all {
            #expect(LogFormat(name: format.name) == format)
            for alias in format.aliases { #expect(LogFormat(name: alias.uppercased()) == format) }
        }
        #expect(LogFormat(name: "nginx") == .combined && LogFormat(name: "apache") == .combined && LogFormat(name: "windows") == nil)
        #expect(Set(LogFormat.all.flatMap { [$0.name] + $0.aliases }).count == LogFormat.all.reduce(0) { $0 + 1 + $1.aliases.count })
    }

    @Test("lines of several formats in one file are each read by their own")
    func mixed() {
        var parser = parser()
        for (line, format) in SampleLines.all + SampleLines.all.reversed() {
            let result = parser.parse(Array(line.utf8))
            #expect(result.rejection == nil, "\(line)")
            #expect(parser.currentFormat == format, "\(line)")
        }
    }

    @Test("a named format takes its own lines and no other's")
    func named() {
        for format in LogFormat.all where format != .common && format != .traefik {
            var parser = parser(format)
            for (line, other) in SampleLines.all {
                let result = parser.parse(Array(line.utf8))
                if other == format {
                    #expect(result.rejection == nil, "\(line)")
                } else if format == .cardea {
                    #expect(result.rejection != nil, "\(line)")
                } else if format == .sshd {
                    // A line that begins with an ISO date looks like a syslog's.
                    #expect(result.record == nil, "\(line)")
                } else {
                    #expect(result.rejection == "not a line of the format \(format)", "\(line)")
                }
            }
        }
    }

    @Test("blank lines and comments are skipped, a byte order mark is no part of a line")
    func blank() {
        var parser = parser()
        for line in ["", " \t", "\r", "# comment"] { #expect(parser.parse(Array(line.utf8)).isSkipped) }
        #expect(parser.parse(Array(("\u{FEFF}" + SampleLines.all[0].line + "\r\n").utf8)).record != nil)
        #expect(parser.parse(Array("hello, world".utf8)).rejection == "no known format")
    }
}
