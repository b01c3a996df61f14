package import Testing

/// Asks again and again until the state has come; one that never comes fails the test.
package func eventually(_ what: Comment, within: Duration = .seconds(60), _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + within
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, what)
        // A pause between two looks, or the tests themselves would take the processor from what they wait for.
        try await Task.sleep(for: .milliseconds(2))
    }
}
