import AuditEvents
import Foundation
import Testing

@testable import AuditMiddleware

/// Other people's JOSE test data, where it is at hand.
enum JoseData {
    static let folder: URL = {
        let root =
            ProcessInfo.processInfo.environment["CARDEA_CONFORMANCE_DATA"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../shared/data")
        return root.standardizedFileURL.appendingPathComponent("jose")
    }()
    static var isPresent: Bool { FileManager.default.fileExists(atPath: folder.path) }
    static let absent: Comment = "the vectors are not at hand"

    static func read(_ name: String) throws -> JSONObject {
        let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
        return try #require(JSONValue(parsing: bytes).object)
    }

    /// One test of a Wycheproof file with its group's key or key set, the public one where there is one.
    struct Vector {
        var number: Int64
        var comment: String
        var key: JSONObject
        var token: String
        var isValid: Bool
    }

    static func vectors(_ name: String) throws -> [Vector] {
        try #require(try read(name)["testGroups"]?.array).flatMap { group in
            let key = try #require((group.object?["public"] ?? group.object?["private"])?.object)
            return try #require(group.object?["tests"]?.array).map { test in
                let test = try #require(test.object)
                let token = try #require(test["jws"])
                return Vector(
                    number: try #require(test["tcId"]?.int), comment: test["comment"]?.string ?? "", key: key,
                    // Those in JSON serialization are objects in the file.
                    token: token.string ?? String(decoding: CanonicalJSON.encode(token), as: UTF8.self),
                    isValid: test["result"] == .string("valid"))
            }
        }
    }
}

extension SigningAlgorithm {
    static let all = [SigningAlgorithm.hs256, .hs384, .hs512] + asymmetric
}
