import AuditEvents
import HTTPTypes

/// The problem types of draft-ietf-httpapi-ratelimit-headers §5.
extension Problem {
    private static let types = "https://iana.org/assignments/http-problem-types#"

    static func quotaExceeded(policies: [String], retryAfterSeconds: Int64) -> Problem {
        Problem(
            .tooManyRequests, type: types + "quota-exceeded", title: "Request cannot be satisfied as assigned quota has been exceeded",
            headers: [.retryAfter: String(retryAfterSeconds)], members: ["violated-policies": .array(policies.map { .string($0) })])
    }

    static func reducedCapacity(_ status: HTTPResponse.Status, policies: [String], retryAfterSeconds: Int64) -> Problem {
        Problem(
            status, type: types + "temporary-reduced-capacity",
            title: "Request cannot be satisfied due to temporary server capacity constraints",
            headers: [.retryAfter: String(retryAfterSeconds)], members: ["violated-policies": .array(policies.map { .string($0) })])
    }

    static func abnormalUsage(policies: [String], retryAfterSeconds: Int64) -> Problem {
        Problem(
            .tooManyRequests, type: types + "abnormal-usage-detected",
            title: "Request not satisfied due to detection of abnormal request pattern",
            headers: [.retryAfter: String(retryAfterSeconds)], members: ["violated-policies": .array(policies.map { .string($0) })])
    }
}
