import AuditEvents
import EventStore
public import Logging
import Metrics
public import PostgreSQL
public import ServiceLifecycle
import Synchronization

/// The receivers and routes that hold now; replaced while a `Dispatcher` works.
public final class DeliveryAtWork: Sendable {
    private let state: Mutex<DeliverySettings>

    public init(_ settings: DeliverySettings) { state = Mutex(settings) }

    public var current: DeliverySettings { state.withLock { $0 } }
    public func replace(_ settings: DeliverySettings) { state.withLock { $0 = settings } }
}

/// Tells receivers about alerts: at least once each, under an id that stays the same, and none of them waits for another.
///
/// Any number may work on one database. What was claimed by one that died is tried again when its lease has run out.
public final class Dispatcher: Service {
    private let pool: PostgresPool
    private let settings: DeliveryAtWork
    private let inhibitions: [Inhibition]
    private let logger: Logger
    private let store = DeliveryStore()
    private let busy = Mutex<Set<String>>([])

    /// How often it looks for what is due.
    static let interval = Duration.milliseconds(200)
    /// Messages on their way to one receiver at once.
    static let concurrency = 4
    /// Messages that are claimed at once.
    static let batch = 20

    /// - Parameter pool: connections of the role `cardea_worker`, three or more.
    public init(pool: PostgresPool, settings: DeliveryAtWork, inhibitions: [Inhibition], logger: Logger) {
        (self.pool, self.settings, self.inhibitions, self.logger) = (pool, settings, inhibitions, logger)
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                var tidied: ContinuousClock.Instant?
                var delay = Dispatcher.interval
                while !Task.isCancelled {
                    do {
                        let settings = settings.current
                        if tidied.map({ ContinuousClock.now - $0 > .seconds(600) }) ?? true {
                            try await Dispatcher.tidy(settings, pool)
                            tidied = .now
                        }
                        if !settings.receivers.isEmpty {
                            for receiver in try await due(settings) where busy.withLock({ $0.insert(receiver.name).inserted }) {
                                group.addTask { await self.work(receiver) }
                            }
                        }
                        delay = Dispatcher.interval
                    } catch {
                        if !Task.isCancelled { logger.warning("Deliveries could not be looked for", metadata: ["error": "\(error)"]) }
                        delay = min(delay * 2, .seconds(5))
                    }
                    try? await Task.sleep(for: delay)
                }
            }
        }
    }

    /// Forgets what is done and what nobody wants; a dispatcher that runs does so by itself.
    public static func tidy(_ settings: DeliverySettings, _ pool: PostgresPool) async throws {
        try await pool.withTransaction { try await DeliveryStore().tidy(settings, $0) }
    }

    /// Routes what there is to tell, and gives the receivers that have something due.
    private func due(_ settings: DeliverySettings) async throws -> [Receiver] {
        let all = settings.receivers.map(\.name)
        var (isRouting, names) = try await pool.withConnection { try await store.due(all, $0) }
        if isRouting {
            let inhibitions = inhibitions
            try await pool.withTransaction { try await store.route(settings, inhibitions, $0) }
            names = try await pool.withConnection { try await store.due(all, $0) }.receivers
        }
        return names.compactMap { settings[$0] }
    }

    /// Sends what is due for a receiver.
    private func work(_ receiver: Receiver) async {
        defer { busy.withLock { _ = $0.remove(receiver.name) } }
        do {
            while !Task.isCancelled {
                let limit = receiver.gathers ? 10 * Dispatcher.batch : Dispatcher.batch
                let claimed = try await pool.withTransaction { try await store.claim(receiver.name, limit: limit, $0) }
                guard !claimed.isEmpty, try await send(claimed, to: receiver) else { return }
            }
        } catch {
            if !Task.isCancelled {
                logger.warning("Deliveries could not be claimed", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
            }
        }
    }

    /// Sends what was claimed; false where the receiver is away or wants nothing, and what was not tried was given back.
    private func send(_ claimed: [Delivery], to receiver: Receiver) async throws -> Bool {
        let messages = Dispatcher.messages(claimed, receiver)
        let (rest, goesOn) = await withTaskGroup(of: Bool.self) { group in
            let channel = DeliveryChannel(receiver)
            var next = 0
            var goesOn = true
            while next < messages.count, goesOn, !Task.isCancelled {
                if next >= Dispatcher.concurrency { goesOn = await group.next() ?? true }
                guard goesOn, next < Dispatcher.batch else { break }
                let message = messages[next]
                next += 1
                group.addTask { await self.attempt(message, channel, receiver) }
            }
            for await result in group { goesOn = goesOn && result }
            await channel.close()
            return (Array(messages[next...].joined()), goesOn)
        }
        let wait: Int64 = goesOn ? 0 : 5
        // Also when the process is told to end.
        try await Task { [pool, store] in try await pool.withTransaction { try await store.release(rest, after: wait, $0) } }.value
        return goesOn
    }

    /// Tries one message and writes down what came of it; whether others may follow.
    private func attempt(_ deliveries: [Delivery], _ channel: DeliveryChannel, _ receiver: Receiver) async -> Bool {
        let attempt = await channel.send(deliveries)
        let isCancelled = Task.isCancelled
        let isReached = attempt.outcome != .unreachable
        do {
            let decision = try await Task { [pool, store] in
                try await pool.withTransaction { connection -> RetrySchedule.Decision? in
                    // What the end of the process broke off was no attempt.
                    if isCancelled, !isReached {
                        try await store.release(deliveries, after: 0, connection)
                        return nil
                    }
                    return try await store.finish(deliveries, attempt, at: receiver, jitter: .random(in: 0...1), connection)
                }
            }.value
            guard let decision else { return false }
            note(decision, attempt, deliveries, receiver)
            return isReached && decision != .disable
        } catch {
            // The lease runs out, and it is tried again: at least once.
            logger.warning("A delivery's outcome could not be stored", metadata: ["receiver": "\(receiver.name)", "error": "\(error)"])
        }
        return false
    }

    private func note(_ decision: RetrySchedule.Decision, _ attempt: DeliveryAttempt, _ deliveries: [Delivery], _ receiver: Receiver) {
        let word =
            switch decision {
            case .delivered: "delivered"
            case .retry: "retry"
            case .dead: "dead"
            case .disable: "disabled"
            }
        Counter(label: "cardea.delivery.attempts", dimensions: [("receiver", receiver.name), ("outcome", word)]).increment(
            by: deliveries.count)
        let metadata: Logger.Metadata = [
            "receiver": "\(receiver.name)", "delivery.count": "\(deliveries.count)",
            "delivery.attempt": "\(deliveries.first?.attempts ?? 0)",
            "detail": "\(attempt.detail)",
        ]
        switch decision {
        case .delivered: logger.debug("Delivered", metadata: metadata)
        case .retry: logger.notice("A delivery failed and is tried again", metadata: metadata)
        case .dead: logger.error("A delivery was given up", metadata: metadata)
        case .disable: logger.error("A receiver wants nothing any more and is disabled", metadata: metadata)
        }
    }

    /// What goes out together: for a receiver that gathers, what is of one rule, tenant and kind; otherwise each by itself.
    static func messages(_ deliveries: [Delivery], _ receiver: Receiver) -> [[Delivery]] {
        guard receiver.gathers else { return deliveries.map { [$0] } }
        struct Key: Hashable {
            var rule: String, tenant: String, kind: Delivery.Kind
        }
        var places: [Key: Int] = [:]
        var messages: [[Delivery]] = []
        for delivery in deliveries {
            let key = Key(rule: delivery.alert.ruleID, tenant: delivery.alert.tenant, kind: delivery.kind)
            if let place = places[key] {
                messages[place].append(delivery)
            } else {
                places[key] = messages.count
                messages.append([delivery])
            }
        }
        return messages
    }
}
