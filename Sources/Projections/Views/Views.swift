/// The views there are. A new one: a file beside this, its table in `sql/views`, its line here.
enum Views {
    static let all: [any View.Type] = [
        FailedLoginView.self, SuspiciousTokenView.self, RateLimitViolationView.self, SessionView.self, RequestSummaryView.self,
    ]

    static func named(_ name: String) -> (any View.Type)? { all.first { $0.name == name } }
}
