import AuditEvents

/// Writes the rows of an engine's state: a version byte, then LEB128 numbers and length-prefixed texts.
struct StateEncoder {
    static let version: UInt8 = 2

    private(set) var bytes: [UInt8] = [StateEncoder.version]

    mutating func add(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func add(signed value: Int64) { add(UInt64(bitPattern: value << 1 ^ value >> 63)) }
    mutating func add(fixed value: UInt64) { withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) } }
    mutating func add(_ id: EventID) {
        add(fixed: id.high)
        add(fixed: id.low)
    }
    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    static func encode(_ clock: SourceClocks.Clock) -> [UInt8] {
        var encoder = StateEncoder()
        encoder.add(signed: clock.watermark)
        encoder.add(signed: clock.sealed)
        return encoder.bytes
    }

    static func encode(_ group: CorrelationGroup, plan: CorrelationPlan) -> [UInt8] {
        var encoder = StateEncoder()
        encoder.add(fixed: plan.definition)
        encoder.add(signed: group.touched)
        encoder.add(UInt64(group.seenBefore))
        encoder.add(UInt64(group.values.count))
        for value in group.values { encoder.add(value) }
        encoder.add(UInt64(group.chains.count))
        for chain in group.chains {
            encoder.add(signed: chain.first)
            encoder.add(signed: chain.last)
            encoder.add(chain.alert)
            encoder.add(chain.hits, plan)
        }
        encoder.add(UInt64(group.spans.count))
        for span in group.spans {
            for time in [span.first, span.last, span.cursor] { encoder.add(signed: time) }
            encoder.add(span.pending, plan)
            encoder.add(span.window, plan)
            encoder.add(span.alert)
        }
        guard let ledger = group.ledger else {
            encoder.add(0)
            return encoder.bytes
        }
        encoder.add(1)
        encoder.add(signed: ledger.since)
        encoder.add(UInt64(ledger.known.count))
        for known in ledger.known {
            encoder.add(fixed: known.value)
            encoder.add(signed: known.last)
        }
        return encoder.bytes
    }

    private mutating func add(_ alert: OpenAlert?) {
        guard let alert else { return add(0) }
        add(1)
        add(fixed: alert.id.high)
        add(fixed: alert.id.low)
        add(alert.first)
        add(alert.mark)
        add(UInt64(alert.count))
    }

    private mutating func add(_ hits: [Hit], _ plan: CorrelationPlan) {
        add(UInt64(hits.count))
        for hit in hits {
            add(hit.id)
            add(signed: Int64(hit.shard))
            add(signed: hit.index)
            if plan.hasValue { add(fixed: hit.value) }
            if plan.hasExtra { add(fixed: hit.extra) }
            if plan.correlation.rules.count > 1 { add(hit.rules) }
        }
    }
}

/// Reads what `StateEncoder` wrote; nil for anything else.
struct StateDecoder {
    private var rest: ArraySlice<UInt8>
    private let isKnown: Bool

    init(_ bytes: [UInt8]) {
        isKnown = bytes.first == StateEncoder.version
        rest = bytes.dropFirst()
    }

    mutating func number() -> UInt64? {
        guard isKnown else { return nil }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.popFirst() {
            guard shift < 64 else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func signed() -> Int64? { number().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) } }

    mutating func fixed() -> UInt64? {
        guard isKnown, rest.count >= 8 else { return nil }
        let value = rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        rest.removeFirst(8)
        return value
    }

    mutating func id() -> EventID? {
        guard let high = fixed(), let low = fixed() else { return nil }
        return EventID(high: high, low: low)
    }

    mutating func text() -> String? {
        guard let count = number(), count <= UInt64(rest.count) else { return nil }
        let text = String(validating: rest.prefix(Int(count)), as: UTF8.self)
        rest.removeFirst(Int(count))
        return text
    }

    /// A count of things that take at least a byte each.
    mutating func count() -> Int? { number().flatMap { $0 <= UInt64(rest.count) ? Int($0) : nil } }

    mutating func clock() -> SourceClocks.Clock? {
        guard let watermark = signed(), let sealed = signed(), rest.isEmpty else { return nil }
        return SourceClocks.Clock(watermark: watermark, sealed: sealed)
    }

    mutating func group(tenant: String, plan: CorrelationPlan) -> CorrelationGroup? {
        guard fixed() == plan.definition, let touched = signed(), let seenBefore = number(), seenBefore < 16,
            let valueCount = count(), valueCount == plan.groupBy.count
        else {
            return nil
        }
        var values: [String] = []
        for _ in 0..<valueCount {
            guard let value = text() else { return nil }
            values.append(value)
        }
        var group = CorrelationGroup(tenant: tenant, values: values, touched: touched)
        group.seenBefore = Int(seenBefore)
        guard let chains = count() else { return nil }
        for _ in 0..<chains {
            guard let chain = chain(plan) else { return nil }
            group.chains.append(chain)
        }
        guard let spans = count() else { return nil }
        for _ in 0..<spans {
            guard let span = span(plan) else { return nil }
            group.spans.append(span)
        }
        guard let hasLedger = number() else { return nil }
        if hasLedger == 1 {
            guard let since = signed(), let known = count() else { return nil }
            var ledger = ValueLedger(since: since)
            for _ in 0..<known {
                guard let value = fixed(), let last = signed() else { return nil }
                ledger.known.append(ValueLedger.Known(value: value, last: last))
            }
            group.ledger = ledger
        }
        return rest.isEmpty ? group : nil
    }

    private mutating func span(_ plan: CorrelationPlan) -> SettledSpan? {
        guard let first = signed(), let last = signed(), let cursor = signed(), let pending = hits(plan), let window = hits(plan),
            let alert = alert()
        else { return nil }
        return SettledSpan(first: first, last: last, cursor: cursor, pending: pending, window: window, alert: alert)
    }

    /// Nil for what is no such thing, `.some(nil)` for no alert.
    private mutating func alert() -> OpenAlert?? {
        guard let hasAlert = number() else { return nil }
        guard hasAlert == 1 else { return .some(nil) }
        guard let high = fixed(), let low = fixed(), let first = id(), let mark = id(), let count = number() else { return nil }
        return OpenAlert(id: AlertID(high: high, low: low), first: first, mark: mark, count: Int(clamping: count))
    }

    private mutating func hits(_ plan: CorrelationPlan) -> [Hit]? {
        guard let count = count() else { return nil }
        var hits: [Hit] = []
        hits.reserveCapacity(count)
        for _ in 0..<count {
            guard let id = id(), let shard = signed().flatMap({ Int32(exactly: $0) }), let index = signed(),
                let value = plan.hasValue ? fixed() : 0, let extra = plan.hasExtra ? fixed() : 0,
                let rules = plan.correlation.rules.count > 1 ? number() : 1
            else { return nil }
            hits.append(Hit(id: id, shard: shard, index: index, value: value, extra: extra, rules: rules))
        }
        return hits
    }

    private mutating func chain(_ plan: CorrelationPlan) -> HitChain? {
        guard let first = signed(), let last = signed(), let alert = alert(), let hits = hits(plan) else { return nil }
        return HitChain(first: first, last: last, hits: hits, alert: alert)
    }
}
