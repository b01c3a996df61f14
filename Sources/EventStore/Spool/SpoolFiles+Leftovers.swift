import Glibc

extension SpoolFiles {
    /// The segments and the damaged segments in all folders below `root`.
    static func leftovers(below root: String) throws(StoreError) -> [String] {
        var files: [String] = []
        for number in 0..<256 {
            let folder = root + "/\(number)"
            guard access(folder, F_OK) == 0 else { break }
            files += numbers(in: folder).map { file(folder, $0) }
            files += numbers(in: folder, suffix: ".spool.damaged").map { file(folder, $0) + ".damaged" }
        }
        return files
    }

    /// Whether a file holds one of these texts.
    static func holds(_ path: String, anyOf needles: [[UInt8]]) throws(StoreError) -> Bool {
        let bytes = try read(path)
        return needles.contains { needle in
            guard let first = needle.first, bytes.count >= needle.count else { return false }
            return bytes.indices.dropLast(needle.count - 1).contains { place in
                bytes[place] == first && bytes[place..<place + needle.count].elementsEqual(needle)
            }
        }
    }
}
