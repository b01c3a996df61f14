/// What is known of a connection as far as requests are concerned that never become any. Pure; the handler around it does the rest.
struct ConnectionRecord {
    /// A request that was never one, as it ended.
    enum Malformed: Equatable {
        /// The server answered it by itself.
        case answered(Int)
        /// The connection ended without an answer.
        case dropped
        /// The connection ended within the head.
        case incomplete
    }

    enum Failure {
        /// The parser refuses what came.
        case refused
        /// The connection ended where the parser wanted more.
        case ended
        /// What was parsed is no request all the same; the server closes without an answer.
        case unusable
    }

    private var inProgress = 0
    /// Whether the body of the request read last has not ended.
    private var isWithinBody = false
    private var isFailed = false
    /// Whether it failed within the body of a request, which has an event of its own.
    private var isOfBody = false
    private var isRecorded = false

    mutating func requestBegan() { (inProgress, isWithinBody) = (inProgress + 1, true) }
    mutating func requestWasRead() { isWithinBody = false }
    mutating func responseEnded() { inProgress = max(0, inProgress - 1) }

    /// While a request is in progress, a failure is of its body, and its own event tells of it.
    mutating func failed(_ failure: Failure) -> Malformed? {
        (isFailed, isOfBody) = (true, isWithinBody)
        guard inProgress == 0 else { return nil }
        switch failure {
        case .refused: return nil
        case .ended: return record(.incomplete)
        case .unusable: return record(.dropped)
        }
    }

    /// A response that is no request's is the server's answer to what it could not read.
    mutating func responseBegan(_ status: Int) -> Malformed? {
        guard isFailed, inProgress == 0, status >= 200 else { return nil }
        return record(.answered(status))
    }

    mutating func closed() -> Malformed? { isFailed && !isOfBody && inProgress == 0 ? record(.dropped) : nil }

    private mutating func record(_ malformed: Malformed) -> Malformed? {
        defer { isRecorded = true }
        return isRecorded ? nil : malformed
    }
}
