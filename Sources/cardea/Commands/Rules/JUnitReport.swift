import Detection
import Glibc

/// The results of rules' tests as JUnit XML: a suite a rule, as continuous integration shows them.
struct JUnitReport {
    let text: String

    init(_ results: [InlineTestResult]) {
        var suites: [(rule: String, results: [InlineTestResult])] = []
        for result in results {
            if suites.last?.rule == result.rule {
                suites[suites.count - 1].results.append(result)
            } else {
                suites.append((result.rule, [result]))
            }
        }
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        text += "<testsuites tests=\"\(results.count)\" failures=\"\(results.count { !$0.passed })\">\n"
        for suite in suites {
            let name = Self.escaped(suite.results[0].title)
            text += "  <testsuite name=\"\(name)\" tests=\"\(suite.results.count)\" failures=\"\(suite.results.count { !$0.passed })\">\n"
            for result in suite.results {
                text += "    <testcase classname=\"\(name)\" name=\"\(Self.escaped(result.test))\""
                guard let failure = result.failure else {
                    text += "/>\n"
                    continue
                }
                text += ">\n      <failure message=\"\(Self.escaped(failure.message))\">\(Self.escaped(failure.description))</failure>\n"
                text += "    </testcase>\n"
            }
            text += "  </testsuite>\n"
        }
        self.text = text + "</testsuites>\n"
    }

    func write(to path: String) throws {
        guard let file = fopen(path, "w") else { throw Failure("\(RowPrinter.visible(path)): \(String(cString: strerror(errno)))") }
        let isWritten = text.withCString { fputs($0, file) } >= 0
        guard fclose(file) == 0, isWritten else { throw Failure("\(RowPrinter.visible(path)) could not be written") }
    }

    /// As XML 1.0 has text: the five entities, and no control characters, which it has none of.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&apos;"
            case "\t", "\n", "\r": escaped += " "
            case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: escaped += "\u{fffd}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
