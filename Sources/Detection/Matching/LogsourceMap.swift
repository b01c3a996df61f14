import AuditEvents

/// Which events a rule's `logsource` means. Adding a category or product is adding a line.
struct LogsourceRoute: Sendable, Hashable {
    enum Types: Sendable, Hashable {
        case none
        case every
        case one(String)
        case prefixed(String)

        func admit(_ type: String) -> Bool {
            switch self {
            case .none: false
            case .every: true
            case .one(let name): type.utf8.elementsEqual(name.utf8)
            case .prefixed(let prefix): type.utf8.starts(with: prefix.utf8)
            }
        }
    }

    var types: Types
    /// The software that must have reported the event.
    var service: String?

    private static let categories: [String: Types] = [
        "webserver": .one("http_request"), "proxy": .none, "authentication": .prefixed("authn_"), "application": .every,
    ]

    /// Products that are the reporting software itself, and operating systems whose service says which.
    private static let reporters: Set<String> = ["apache", "nginx", "caddy", "sshd", "openssh"]
    private static let systems: Set<String> = ["linux", "unix", "cardea"]
    /// Names of services in rules that an event knows by another.
    private static let services: [String: String] = ["openssh": "sshd", "httpd": "apache"]

    init(_ logsource: SigmaLogsource) {
        types = .every
        var service = logsource.service?.lowercased()
        if let category = logsource.category { types = Self.categories[category.lowercased()] ?? .none }
        if let product = logsource.product?.lowercased() {
            if Self.reporters.contains(product) {
                // `product: apache, service: error`: the service names a log of the product.
                service = product
            } else if !Self.systems.contains(product) || (product != "cardea" && service == nil) {
                types = .none
            }
        }
        self.service = service.map { Self.services[$0] ?? $0 }
    }
}
