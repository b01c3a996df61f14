import AuditEvents
import EventStore

/// Columns as PostgreSQL's `to_jsonb` writes them.
extension JSONObject {
    func integer(_ column: String) throws -> Int64 {
        guard let value = self[column]?.int else { throw unreadable(column) }
        return value
    }

    func text(column: String) throws -> String {
        guard let value = self[column]?.string else { throw unreadable(column) }
        return value
    }

    func key(_ column: String) throws -> KeyText { KeyText(try text(column: column)) }

    func flag(_ column: String) throws -> Bool {
        guard case .bool(let value)? = self[column] else { throw unreadable(column) }
        return value
    }

    func time(_ column: String) throws -> Timestamp? {
        switch self[column] {
        case nil, .null?: return nil
        case .string(let text)?:
            if let time = Timestamp(text) { return time }
            throw unreadable(column)
        default: throw unreadable(column)
        }
    }

    func moment(_ column: String) throws -> Timestamp {
        guard let time = try time(column) else { throw unreadable(column) }
        return time
    }

    func texts(_ column: String) throws -> [String] {
        guard let values = self[column]?.array else { throw unreadable(column) }
        return values.compactMap(\.string)
    }

    func counts(_ column: String) throws -> [String: Int64] {
        guard let object = self[column]?.object else { throw unreadable(column) }
        return Dictionary(object.members.compactMap { member in member.value.int.map { (member.key, $0) } }) { $1 }
    }

    private func unreadable(_ column: String) -> StoreError { StoreError(.record, "the view's column \(column) cannot be read") }
}

extension JSONValue {
    init(_ time: Timestamp?) { self = time.map { .string($0.description) } ?? .null }
    init(_ texts: [String]) { self = .array(texts.map(JSONValue.string)) }
    init(_ counts: [String: Int64]) { self = .object(JSONObject(counts.map { ($0.key, .int($0.value)) })) }
    init(_ text: KeyText) { self = .string(text.text) }
    init(optional text: String?) { self = text.map(JSONValue.string) ?? .null }
}

/// Bounds of what a row may hold.
enum RowBounds {
    /// Different reasons, addresses or agents a row names; further ones are counted under `(other)`.
    static let distinct = 32

    static func count(_ name: String, in counts: inout [String: Int64]) {
        let name = KeyText.bounded(name)
        counts[counts[name] != nil || counts.count < distinct ? name : "(other)", default: 0] += 1
    }

    static func insert(_ text: String?, into texts: inout [String]) {
        guard texts.count < distinct, let text = text.map(KeyText.bounded), !texts.contains(text) else { return }
        texts.append(text)
    }
}

/// The earlier of two moments, and the later one: events come in index order, not in that of their times.
func earlier(_ a: Timestamp?, _ b: Timestamp) -> Timestamp { a.map { min($0, b) } ?? b }
func later(_ a: Timestamp?, _ b: Timestamp) -> Timestamp { a.map { max($0, b) } ?? b }
