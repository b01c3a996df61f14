public import AuditEvents
import Foundation

/// A time zone of the IANA database, for reading dates as people mean them.
public struct LocalZone: Sendable, Hashable {
    private let zone: TimeZone
    public let name: String

    public static let utc = LocalZone(zone: .gmt, name: "UTC")

    private init(zone: TimeZone, name: String) { (self.zone, self.name) = (zone, name) }

    public struct Unknown: Error {}

    /// - Throws: `Unknown` for a name that the database has not.
    public init(_ name: String) throws(Unknown) {
        if name == "UTC" {
            self = .utc
            return
        }
        guard let zone = TimeZone(identifier: name) else { throw Unknown() }
        self.init(zone: zone, name: name)
    }

    private func offset(at microseconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000))) * 1_000_000
    }

    /// The moment at which the clocks show a date and time, given as if it were UTC: the first of two, and of one that is skipped the moment after
    /// the gap that lies as far behind it.
    public func moment(of local: Timestamp) -> Timestamp {
        let day: Int64 = 86_400_000_000
        let (before, after) = (offset(at: local.microseconds - day), offset(at: local.microseconds + day))
        let fits = [before, after].map { local.microseconds - $0 }.filter { offset(at: $0) == local.microseconds - $0 }
        return Timestamp(microseconds: fits.min() ?? local.microseconds - before)
    }
}
