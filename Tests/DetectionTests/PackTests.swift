import Detection
import Testing

@Suite("The pack")
struct PackTests {
    @Test("every rule's inline tests pass")
    func inlineTests() throws {
        let results = try RuleSet.builtIn().runInlineTests()
        #expect(results.count >= 70)
        for result in results { #expect(result.passed, "\(result.failure.map(\.description) ?? "")") }
    }
}
