import ArgumentParser
import AuditEvents
import Compliance

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, jsonl, csv
}

struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .customLong("output")], help: "The form of the answer.") var output: OutputFormat = .table
}

/// Prints rows of JSON: whole as JSON, by column as a table or CSV. Rows may come in portions; a table's widths are those of the first.
struct RowPrinter {
    struct Column: Sendable {
        var title: String
        var value: @Sendable (JSONObject) -> JSONValue?

        /// The member at a path like `body.actor.name`.
        init(_ title: String, _ path: String? = nil) {
            self.title = title
            let keys = (path ?? title).split(separator: ".").map(String.init)
            value = { row in keys.dropFirst().reduce(row[keys[0]]) { $0?.object?[$1] } }
        }

        init(_ title: String, value: @escaping @Sendable (JSONObject) -> JSONValue?) { (self.title, self.value) = (title, value) }
    }

    let format: OutputFormat
    let columns: [Column]
    private var widths: [Int] = []
    private var printed = 0

    init(_ format: OutputFormat, columns: [Column]) { (self.format, self.columns) = (format, columns) }

    mutating func print(_ rows: [JSONObject]) {
        var out = ""
        switch format {
        case .json:
            for row in rows {
                out += (printed == 0 ? "[\n" : ",\n") + RowPrinter.text(.object(row))
                printed += 1
            }
        case .jsonl:
            for row in rows { out += RowPrinter.text(.object(row)) + "\n" }
            printed += rows.count
        case .csv:
            if printed == 0 { out += columns.map { RowPrinter.csv(.string($0.title)) }.joined(separator: ",") + "\r\n" }
            for row in rows { out += columns.map { RowPrinter.csv($0.value(row)) }.joined(separator: ",") + "\r\n" }
            printed += max(1, rows.count)
        case .table:
            let cells = rows.map { row in columns.map { RowPrinter.visible(RowPrinter.plain($0.value(row))) } }
            guard !cells.isEmpty else { return }
            if widths.isEmpty {
                widths = columns.indices.map { column in
                    min(60, max(columns[column].title.count, cells.map { $0[column].count }.max() ?? 0))
                }
                out += Colour.bold(line(columns.map { $0.title.uppercased() })) + "\n"
            }
            for row in cells { out += line(row) + "\n" }
            printed += rows.count
        }
        StandardOutput.write(out)
    }

    /// Ends the output; an empty answer is `[]` in JSON and a header in CSV.
    mutating func finish() {
        switch format {
        case .json: StandardOutput.write(printed == 0 ? "[]\n" : "\n]\n")
        case .csv where printed == 0: print([])
        default: break
        }
    }

    private func line(_ cells: [String]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            let isLast = column == cells.count - 1
            let width = isLast ? Int.max : widths[column]
            let cut = cell.count > width ? String(cell.prefix(width - 1)) + "…" : cell
            text += cut
            if !isLast { text += String(repeating: " ", count: max(0, width - cut.count) + 2) }
        }
        return text
    }

    static func text(_ value: JSONValue) -> String { String(decoding: CanonicalJSON.encode(value), as: UTF8.self) }

    private static func plain(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: ""
        case .string(let text)?: text
        case .array(let values)? where values.allSatisfy({ $0.string != nil }): values.compactMap(\.string).joined(separator: " ")
        case let value?: text(value)
        }
    }

    /// Control characters written out, so that no event can steer the terminal.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where isUnsafe(scalar): out += "\\u{\(String(scalar.value, radix: 16))}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// C0 and C1 controls, and the characters that turn the direction of text.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    /// A cell of RFC 4180; of texts, not of numbers, one that a spreadsheet would take for a formula is made text.
    private static func csv(_ value: JSONValue?) -> String {
        var cell: [UInt8] = []
        switch value {
        case .int?, .double?: CSVRow.append(quoted: plain(value), to: &cell)
        default: CSVRow.append(cell: plain(value), to: &cell)
        }
        return String(decoding: cell, as: UTF8.self)
    }
}
