import Glibc

/// A point on the earth.
struct GeoPlace: Sendable, Hashable {
    /// Degrees.
    var latitude: Double, longitude: Double

    init(latitude: Double, longitude: Double) { (self.latitude, self.longitude) = (latitude, longitude) }

    /// In ten-thousandths of a degree: eleven metres, far below what such databases know.
    init(packed: UInt64) {
        latitude = Double(Int32(truncatingIfNeeded: packed >> 32)) / 10_000
        longitude = Double(Int32(truncatingIfNeeded: packed)) / 10_000
    }

    var packed: UInt64 {
        UInt64(UInt32(bitPattern: Int32(latitude * 10_000))) << 32 | UInt64(UInt32(bitPattern: Int32(longitude * 10_000)))
    }

    /// The great-circle distance by the haversine formula, with the mean radius of the earth.
    func kilometres(to other: GeoPlace) -> Double {
        let radians = Double.pi / 180
        let dLatitude = (other.latitude - latitude) * radians
        let dLongitude = (other.longitude - longitude) * radians
        let a =
            sin(dLatitude / 2) * sin(dLatitude / 2)
            + cos(latitude * radians) * cos(other.latitude * radians) * sin(dLongitude / 2) * sin(dLongitude / 2)
        return 2 * 6371.0088 * asin(min(1, a.squareRoot()))
    }
}

/// What is known of an address.
public struct GeoAnswer: Sendable, Hashable {
    /// ISO 3166-1 alpha-2.
    public var country: String?
    /// Degrees; both or none.
    public var latitude: Double?, longitude: Double?

    public init(country: String? = nil, latitude: Double? = nil, longitude: Double? = nil) {
        (self.country, self.latitude, self.longitude) = (country, latitude, longitude)
    }

    var place: GeoPlace? {
        guard let latitude, let longitude, (-90...90).contains(latitude), (-180...180).contains(longitude) else { return nil }
        return GeoPlace(latitude: latitude, longitude: longitude)
    }
}

/// Where addresses are.
public protocol GeoLookup: Sendable {
    /// - Parameter address: its text, IPv4 or IPv6.
    func answer(for address: [UInt8]) -> GeoAnswer?
}
