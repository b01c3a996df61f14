import AuditEvents
import Hummingbird
import HummingbirdCore

/// Judges requests by some limits together: where one refuses, none counts the request.
struct LimitGate<Context: AuditedRequestContext>: Sendable {
    private struct Asked {
        let limiter: Limiter<Context>
        let subject: RateLimitSubject
        let cost: Int
        /// Nil where nobody decided: a store is away whose absence lets in, or another limit refused before.
        var decision: RateLimitDecision?
        /// What it took from this process's counts.
        var taken = 0

        var isExceeded: Bool { decision?.allowed == false }
        var isRefused: Bool { isExceeded && limiter.isEnforced }
    }

    let limiters: [Limiter<Context>]
    let clock: AuditClock
    let pause: @Sendable (Duration) async throws -> Void

    /// Returns when the request may go on.
    func pass(_ request: Request, _ context: Context) async throws {
        let now = clock.monotonicMicroseconds()
        if limiters.count == 1, limiters[0].store.shared == nil {
            // One limit in memory, not reached: nothing else is needed.
            let limiter = limiters[0]
            guard let subject = limiter.key.subject(request, context) else { return }
            let cost = limiter.cost(request, context)
            let decision = limiter.take(subject, at: now, cost: cost)
            if decision.allowed { return limiter.tell(decision, context.audit) }
            return try await settle([Asked(limiter: limiter, subject: subject, cost: cost, decision: decision)], context)
        }
        var asked = limiters.compactMap { limiter in
            limiter.key.subject(request, context).map { Asked(limiter: limiter, subject: $0, cost: limiter.cost(request, context)) }
        }
        guard !asked.isEmpty else { return }
        try await judge(&asked, at: now, context)
        try await settle(asked, context)
    }

    /// Lets in, holds back or refuses.
    private func settle(_ asked: [Asked], _ context: Context) async throws {
        var asked = asked
        var waited: Int64 = 0
        while asked.contains(where: \.isRefused) {
            let refused = asked.filter(\.isRefused)
            guard let wait = wait(for: refused, waited: waited), refused[0].limiter.startWaiting() else {
                for one in asked { if let decision = one.decision { one.limiter.tell(decision, context.audit) } }
                return try await refuse(refused, waited: waited, context)
            }
            do { try await pause(.microseconds(wait)) } catch {
                refused[0].limiter.stopWaiting()
                throw error
            }
            refused[0].limiter.stopWaiting()
            waited += wait
            for index in asked.indices { (asked[index].decision, asked[index].taken) = (nil, 0) }
            try await judge(&asked, at: clock.monotonicMicroseconds(), context)
            if waited > 0, !asked.contains(where: \.isRefused) {
                try await emit(refused[0], outcome: .success, waited: waited, context)
            }
        }
        for one in asked {
            if let decision = one.decision { one.limiter.tell(decision, context.audit) }
            if one.isExceeded { try await emit(one, outcome: .success, waited: 0, context) }
        }
    }

    /// How long to hold the request back; nil where one of the limits that refuse it is not for waiting, or not for so long.
    private func wait(for refused: [Asked], waited: Int64) -> Int64? {
        var longest: Int64 = 1_000
        for one in refused {
            guard let retryAfter = one.decision?.retryAfter else { return nil }
            longest = max(longest, retryAfter)
        }
        return refused.allSatisfy { waited + longest <= $0.limiter.mode.patience } ? longest : nil
    }

    // MARK: Judging

    private func judge(_ asked: inout [Asked], at now: Int64, _ context: Context) async throws {
        for index in asked.indices where asked[index].limiter.store.shared == nil { takeLocally(&asked, index, now) }
        if !asked.contains(where: \.isRefused) { try await askStores(&asked, at: now, context) }
        guard asked.contains(where: \.isRefused) else { return }
        giveBack(asked, at: now)
    }

    private func takeLocally(_ asked: inout [Asked], _ index: Int, _ now: Int64) {
        let one = asked[index]
        // Once one has refused the others are only read.
        let cost = asked.contains(where: \.isRefused) ? 0 : one.cost
        let decision = one.limiter.take(one.subject, at: now, cost: cost)
        asked[index].decision = decision
        asked[index].taken = decision.allowed ? cost : 0
    }

    private func askStores(_ asked: inout [Asked], at now: Int64, _ context: Context) async throws {
        var open = asked.indices.filter { asked[$0].limiter.store.shared != nil }
        while let first = open.first, let shared = asked[first].limiter.store.shared {
            let together = open.filter { asked[$0].limiter.store.shared === shared }
            open.removeAll(where: together.contains)
            let decisions = await shared.take(together.map { asked[$0].limiter.demand(asked[$0].subject, cost: asked[$0].cost) })
            if let decisions {
                for (index, decision) in zip(together, decisions) { asked[index].decision = decision }
            } else {
                try missing(&asked, together, at: now, context)
            }
            if asked.contains(where: \.isRefused) { return }
        }
    }

    /// What the limits said beforehand about a store that does not answer.
    private func missing(_ asked: inout [Asked], _ indices: [Int], at now: Int64, _ context: Context) throws {
        context.audit.update { facts in
            facts.details["rate_limit_store_away"] = .array(indices.map { .string(asked[$0].limiter.policy.name) })
        }
        for index in indices {
            switch asked[index].limiter.store.absence {
            case .refuse:
                giveBack(asked, at: now)
                context.audit.update { $0.reason = "rate_limit_store_away" }
                throw Problem.reducedCapacity(.serviceUnavailable, policies: [asked[index].limiter.policy.name], retryAfterSeconds: 1)
            case .countLocally: takeLocally(&asked, index, now)
            default: break
            }
        }
    }

    private func giveBack(_ asked: [Asked], at now: Int64) {
        for one in asked where one.taken > 0 { one.limiter.refund(one.subject, at: now, cost: one.taken) }
    }

    // MARK: Telling

    private func refuse(_ refused: [Asked], waited: Int64, _ context: Context) async throws {
        try await emit(refused[0], outcome: .denied, waited: waited, context, all: refused)
        let wait = refused.map { $0.decision?.retryAfter ?? $0.decision?.reset ?? 0 }.max() ?? 0
        throw Problem.quotaExceeded(
            policies: refused.map(\.limiter.policy.name), retryAfterSeconds: max(1, Limiter<Context>.seconds(wait)))
    }

    private func emit(_ one: Asked, outcome: Outcome, waited: Int64, _ context: Context, all: [Asked] = []) async throws {
        let limiter = one.limiter
        try await context.audit.emit(.rateLimitExceeded, outcome: outcome, reason: limiter.policy.name, severity: .low) {
            $0.details["policy"] = .string(limiter.policy.name)
            $0.details["algorithm"] = .string(limiter.terms.algorithm.description)
            $0.details["mode"] = .string(limiter.mode.name)
            $0.details["key"] = .string(limiter.key.name)
            $0.details["quota"] = .int(limiter.terms.limit)
            $0.details["window_seconds"] = .int(Int64(limiter.policy.windowSeconds))
            if one.cost != 1 { $0.details["cost"] = .int(Int64(one.cost)) }
            if waited > 0 { $0.details["delay_us"] = .int(waited) }
            if all.count > 1 { $0.details["violated"] = .array(all.map { .string($0.limiter.policy.name) }) }
        }
    }
}
