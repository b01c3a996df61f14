import Foundation

/// The data of others that lies beside the package, or where `CARDEA_CONFORMANCE_DATA` says. Tests that need it are skipped where it is absent.
package enum ConformanceData {
    package static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["CARDEA_CONFORMANCE_DATA"] { return path }
        return URL(filePath: #filePath).appending(path: "../../../../shared/data").standardizedFileURL.path
    }()

    package static var isPresent: Bool { FileManager.default.fileExists(atPath: folder) }
    package static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: folder + "/" + path))) }
    package static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }
}
