import AuditEvents
import HTTPTypes
public import Hummingbird
public import HummingbirdCore
import NIOCore
import Synchronization

/// Bounds the requests that are under way at once, until their response's body has been written.
///
/// All together beyond the limit: 503, for the server is short (`temporary-reduced-capacity`). By a key: 429, for that client asks for too much at
/// once (`abnormal-usage-detected`).
public struct ConcurrentRequestLimit<Context: AuditedRequestContext>: RouterMiddleware {
    let name: String
    private let limit: Int
    private let key: RateLimitKey<Context>?
    private let retryAfterSeconds: Int64
    private let underWay = UnderWay()
    private let policyField: HTTPField

    /// - Parameter key: what is counted by; nil counts all requests together.
    public init(name: String, limit: Int, key: RateLimitKey<Context>? = nil, retryAfterSeconds: Int = 1) {
        self.name = RateLimitPolicy.token(name)
        self.limit = max(1, limit)
        self.key = key
        self.retryAfterSeconds = Int64(max(1, retryAfterSeconds))
        policyField = HTTPField(name: .rateLimitPolicy, value: "\"\(self.name)\";q=\(self.limit);qu=\"concurrent-requests\"")
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var subject = RateLimitSubject(nil)
        if let key {
            guard let found = key.subject(request, context) else { return try await next(request, context) }
            subject = found
        }
        guard let (place, remaining) = underWay.place(for: subject, limit: limit) else {
            tell(0, context)
            return try await refuse(context)
        }
        tell(remaining, context)
        do {
            var response = try await next(request, context)
            let body = response.body
            // Whoever drops the response unwritten drops the place with it.
            response.body = ResponseBody(contentLength: body.contentLength) { writer in
                defer { place.leave() }
                try await body.write(writer)
            }
            return response
        } catch {
            place.leave()
            throw error
        }
    }

    private func tell(_ remaining: Int, _ context: Context) {
        context.audit.addResponseFields(policyField, HTTPField(name: .rateLimit, value: "\"\(name)\";r=\(remaining)"))
    }

    private func refuse(_ context: Context) async throws -> Response {
        try await context.audit.emit(.rateLimitExceeded, outcome: .denied, reason: name, severity: key == nil ? .medium : .low) {
            $0.details["policy"] = .string(name)
            $0.details["algorithm"] = .string("concurrency")
            $0.details["mode"] = .string(RateLimitMode.block.name)
            $0.details["key"] = .string(key?.name ?? "all")
            $0.details["quota"] = .int(Int64(limit))
        }
        guard key == nil else { throw Problem.abnormalUsage(policies: [name], retryAfterSeconds: retryAfterSeconds) }
        throw Problem.reducedCapacity(.serviceUnavailable, policies: [name], retryAfterSeconds: retryAfterSeconds)
    }
}

/// Who is under way, and how often: as many keys as requests at most.
private final class UnderWay: Sendable {
    /// One request's place, given up once.
    final class Place: Sendable {
        private let subject: RateLimitSubject
        private let owner: Mutex<UnderWay?>

        init(_ subject: RateLimitSubject, _ owner: UnderWay) {
            self.subject = subject
            self.owner = Mutex(owner)
        }

        deinit { leave() }

        func leave() { owner.withLock { $0.take() }?.leave(subject) }
    }

    private let counts = Mutex<[RateLimitSubject: Int]>([:])

    /// A place, and how many are left; nil where there is none.
    func place(for subject: RateLimitSubject, limit: Int) -> (Place, remaining: Int)? {
        let count = counts.withLock { counts in
            let count = counts[subject, default: 0]
            if count < limit { counts[subject] = count + 1 }
            return count
        }
        return count < limit ? (Place(subject, self), limit - count - 1) : nil
    }

    private func leave(_ subject: RateLimitSubject) {
        counts.withLock { counts in
            let count = counts[subject, default: 0]
            counts[subject] = count > 1 ? count - 1 : nil
        }
    }
}
