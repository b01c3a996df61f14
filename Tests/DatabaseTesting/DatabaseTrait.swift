public import Testing

/// Gives a suite, or a single test, a database of its own; see `TestDatabase.current`.
public struct DatabaseTrait: SuiteTrait, TestTrait, TestScoping {
    /// One database for the whole suite, not one for each test in it.
    public var isRecursive: Bool { false }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await withTestDatabase { _ in try await function() }
    }
}

extension Trait where Self == DatabaseTrait {
    /// A fresh database on the server of CARDEA_TEST_DATABASE_URL, or else on a private cluster for tests.
    public static var database: DatabaseTrait { DatabaseTrait() }
}
