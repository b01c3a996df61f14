/// The source of an imported file: its base name without compression and rotation suffixes, so that `access.log`, `access.log.1` and
/// `access.log-20260101.gz` are one log.
enum SourceName {
    static func of(_ path: String) -> String {
        if path == "-" { return "stdin" }
        var name = path.split(separator: "/").last.map(String.init) ?? path
        var isCut = true
        while isCut {
            isCut = false
            for suffix in [".gz", ".old"] where name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count {
                name.removeLast(suffix.count)
                isCut = true
            }
            let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
            let rest = name.dropLast(digits)
            if digits > 0, let separator = rest.last, rest.count > 1,
                separator == "." && digits <= 4 || "-.".contains(separator) && digits == 8
            {
                name = String(rest.dropLast())
                isCut = true
            }
        }
        return name
    }
}
