/// A line of ArcSight's Common Event Format, version 0: the header's bars and the extension's equals signs escaped, one line whatever the values.
public struct CommonEventFormat: Sendable, Hashable {
    public var productVersion: String
    public var classID: String
    public var name: String
    /// 0 to 10.
    public var severity: Int
    public var fields: [Field]

    /// A key of ASCII letters and digits, and its value.
    public struct Field: Sendable, Hashable {
        public var key: String
        public var value: String
        public init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
    }

    public init(productVersion: String, classID: String, name: String, severity: Int, fields: [Field]) {
        (self.productVersion, self.classID, self.name) = (productVersion, classID, name)
        (self.severity, self.fields) = (min(max(severity, 0), 10), fields)
    }

    /// The line, without an end of line. Fields whose key is not of letters and digits are left out.
    public var line: String {
        let header = ["CEF:0", "Cardea", "Cardea", productVersion, classID, name].enumerated()
            .map { $0.offset < 3 ? $0.element : Self.escaped($0.element, bar: true) }
        let fields = fields.filter { field in
            !field.key.isEmpty
                && field.key.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
        }.map { "\($0.key)=\(Self.escaped($0.value, bar: false))" }
        return (header + ["\(severity)", fields.joined(separator: " ")]).joined(separator: "|")
    }

    private static func escaped(_ text: String, bar: Bool) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out.append(contentsOf: "\\\\".unicodeScalars)
            case "|" where bar: out.append(contentsOf: "\\|".unicodeScalars)
            case "=" where !bar: out.append(contentsOf: "\\=".unicodeScalars)
            // A header has no line ends at all; a value has them escaped.
            case "\n" where !bar: out.append(contentsOf: "\\n".unicodeScalars)
            case "\r" where !bar: out.append(contentsOf: "\\r".unicodeScalars)
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar == "\u{2028}" || scalar == "\u{2029}":
                out.append(" ")
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
