import AuditEvents

/// Where a hit's value comes from.
enum ValueSource: Sendable, Hashable {
    case none
    /// The digest of one field, or of several together.
    case texts([Int])
    case number(Int)
    /// The /24 of an IPv4 address, the /48 of an IPv6 one.
    case network(Int)
    case country(Int)
    case location(Int)

    /// Names that stand for something found out about the client's address.
    static let derived: Set<String> = ["client_network", "client_country"]

    init(_ field: String, _ fields: inout FieldSlots) {
        switch field {
        case "client_network": self = .network(fields.slot(.clientIP))
        case "client_country": self = .country(fields.slot(.clientIP))
        default: self = .texts([fields.slot(FieldMap.field(field))])
        }
    }

    var needsGeo: Bool {
        switch self {
        case .country, .location: true
        case .none, .texts, .number, .network: false
        }
    }

    /// Nil where the event does not say.
    func value(_ contents: inout EventContents, geo: (any GeoLookup)?) -> UInt64? {
        switch self {
        case .none: return 0
        case .texts(let slots):
            if slots.count == 1 { return Self.text(slots[0], &contents).map(StableDigest.value) }
            var digest = StableDigest("cardea values 1")
            for slot in slots {
                guard let text = Self.text(slot, &contents) else { return nil }
                digest.add(text)
            }
            return digest.words().high
        case .number(let slot):
            guard let text = Self.text(slot, &contents), text.count <= 64, let number = Double(String(decoding: text, as: UTF8.self)),
                number.isFinite
            else { return nil }
            return number.bitPattern
        case .network(let slot):
            guard let text = Self.text(slot, &contents), let bytes = AddressRange.bytes(of: text) else { return nil }
            return StableDigest.value(Array(bytes.prefix(bytes.count == 4 ? 3 : 6)))
        case .country(let slot):
            guard let text = Self.text(slot, &contents), let country = geo?.answer(for: text)?.country, !country.isEmpty else { return nil }
            return StableDigest.value(Array(country.utf8))
        case .location(let slot):
            guard let text = Self.text(slot, &contents), let place = geo?.answer(for: text)?.place else { return nil }
            return place.packed
        }
    }

    private static func text(_ slot: Int, _ contents: inout EventContents) -> [UInt8]? {
        guard let text = contents[slot].first?.original, !text.isEmpty else { return nil }
        return text
    }
}
