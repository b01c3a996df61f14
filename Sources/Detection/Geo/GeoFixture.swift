/// Where the addresses of an inline test are.
///
/// ```yaml
/// geo:
///     192.0.2.1: {country: DE, latitude: 52.5, longitude: 13.4}
/// ```
public struct GeoFixture: GeoLookup, Hashable {
    public var answers: [String: GeoAnswer] = [:]

    public init(_ answers: [String: GeoAnswer] = [:]) { self.answers = answers }

    public func answer(for address: [UInt8]) -> GeoAnswer? { answers[String(decoding: address, as: UTF8.self)] }

    init(_ node: RuleNode) throws(RuleError) {
        let members = try node.requireMembers("geo")
        for address in members.order {
            guard let place = try members[address]?.requireMembers("a place") else { continue }
            try place.refuseOthers(than: ["country", "latitude", "longitude"], in: "a place")
            answers[address] = GeoAnswer(
                country: try place["country"]?.requireText("country"),
                latitude: try place["latitude"].map { (node) throws(RuleError) in try node.requireNumber() },
                longitude: try place["longitude"].map { (node) throws(RuleError) in try node.requireNumber() })
        }
    }
}
