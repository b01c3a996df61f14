// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

extension Target.Dependency {
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let collections: Self = .product(name: "DequeModule", package: "swift-collections")
    static let configuration: Self = .product(name: "Configuration", package: "swift-configuration")
    static let httpClient: Self = .product(name: "AsyncHTTPClient", package: "async-http-client")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdTesting: Self = .product(name: "HummingbirdTesting", package: "hummingbird")
    static let lifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let metrics: Self = .product(name: "Metrics", package: "swift-metrics")
    static let nio: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let systemPackage: Self = .product(name: "SystemPackage", package: "swift-system")
    static let unixSignals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams: Self = .product(name: "Yams", package: "Yams")
}

/// The targets from the ground up; dependencies only point downward.
let package = Package(
    name: "cardea",
    products: [
        .executable(name: "cardea", targets: ["cardea"]),
        .library(name: "AuditMiddleware", targets: ["AuditMiddleware"]),
        .library(name: "EventStore", targets: ["EventStore"]),
        .library(name: "AuditTesting", targets: ["AuditTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "PostgreSQL", dependencies: ["CLibpq", .logging, .collections], swiftSettings: settings),
        .target(name: "AuditEvents", dependencies: [.crypto], swiftSettings: settings),
        .target(name: "TransparencyLog", dependencies: [.crypto], swiftSettings: settings),
        .target(name: "LogFormats", dependencies: ["AuditEvents", "CZlib", .yams], swiftSettings: settings),
        .target(
            name: "Detection", dependencies: ["AuditEvents", .yams, .crypto], resources: [.embedInCode("Rules")],
            swiftSettings: settings),
        .target(
            name: "AuditMiddleware",
            dependencies: ["AuditEvents", "CZlib", .hummingbird, .crypto, .cryptoExtras, .httpClient, .lifecycle, .logging, .metrics],
            swiftSettings: settings),
        .target(
            name: "Schema", path: "sql",
            resources: [.embedInCode("migrations"), .embedInCode("functions"), .embedInCode("privileges"), .embedInCode("views")],
            swiftSettings: settings),
        .target(
            name: "EventStore",
            dependencies: [
                "PostgreSQL", "AuditEvents", "TransparencyLog", "Schema", .crypto, .collections, .lifecycle, .logging, .metrics,
            ], swiftSettings: settings),
        .target(
            name: "Alerting",
            dependencies: [
                "EventStore", "Detection", "PostgreSQL", "AuditEvents", .crypto, .httpClient, .lifecycle, .logging, .metrics, .nio,
                .nioPosix,
                .nioSSL,
            ], swiftSettings: settings),
        .target(
            name: "Projections", dependencies: ["EventStore", "Detection", "Alerting", .lifecycle, .logging, .metrics],
            swiftSettings: settings),
        .target(
            name: "Compliance",
            dependencies: [
                "EventStore", "PostgreSQL", "AuditEvents", "TransparencyLog", .crypto, .httpClient, .lifecycle, .logging, .metrics,
            ],
            swiftSettings: settings),
        .target(name: "AuditTesting", dependencies: ["AuditEvents"], swiftSettings: settings),
        .target(
            name: "ExampleAPI",
            dependencies: ["AuditMiddleware", "AuditEvents", .httpClient, .hummingbird, .configuration, .crypto, .lifecycle, .logging],
            swiftSettings: settings),
        .executableTarget(
            name: "cardea",
            dependencies: [
                "Compliance", "Projections", "EventStore", "Alerting", "Detection", "LogFormats", "ExampleAPI", "AuditMiddleware",
                "AuditEvents", "PostgreSQL", "TransparencyLog",
                .argumentParser, .configuration, .crypto, .hummingbird, .lifecycle, .logging, .nio, .systemPackage, .unixSignals,
            ], swiftSettings: settings),
        .target(
            name: "DatabaseTesting", dependencies: ["PostgreSQL", .logging], path: "Tests/DatabaseTesting", swiftSettings: settings),
        .target(name: "ConformanceTesting", path: "Tests/ConformanceTesting", swiftSettings: settings),
        .testTarget(
            name: "AlertingTests",
            dependencies: [
                "Alerting", "AuditEvents", "AuditTesting", "DatabaseTesting", "Detection", "EventStore", "PostgreSQL", .logging, .lifecycle,
                .nio, .nioHTTP1, .nioPosix, .nioSSL,
            ], swiftSettings: settings),
        .testTarget(name: "AuditEventsTests", dependencies: ["AuditEvents", "AuditTesting"], swiftSettings: settings),
        .testTarget(
            name: "AuditMiddlewareTests",
            dependencies: [
                "AuditMiddleware", "AuditEvents", "AuditTesting", "Detection", "CZlib", .crypto, .cryptoExtras, .httpClient, .hummingbird,
                .hummingbirdTesting, .lifecycle, .logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CommandLineTests", dependencies: ["cardea", "DatabaseTesting", "EventStore", "AuditEvents", "PostgreSQL"],
            swiftSettings: settings),
        .testTarget(
            name: "ComplianceTests",
            dependencies: [
                "Compliance", "EventStore", "AuditEvents", "AuditTesting", "DatabaseTesting", "PostgreSQL", "TransparencyLog", .crypto,
                .logging,
            ], swiftSettings: settings),
        .testTarget(
            name: "DetectionTests", dependencies: ["ConformanceTesting", "Detection", "AuditEvents", "AuditTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "EventStoreTests",
            dependencies: [
                "EventStore", "AuditMiddleware", "AuditTesting", "DatabaseTesting", "AuditEvents", "PostgreSQL", "Schema", .lifecycle,
                .logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ExampleAPITests",
            dependencies: [
                "ExampleAPI", "AuditMiddleware", "AuditEvents", "AuditTesting", .configuration, .crypto, .httpClient, .hummingbird,
                .hummingbirdTesting,
                .lifecycle,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "LogFormatsTests", dependencies: ["ConformanceTesting", "LogFormats", "AuditEvents", "AuditTesting", "CZlib"],
            swiftSettings: settings),
        .testTarget(name: "PostgreSQLTests", dependencies: ["PostgreSQL", "DatabaseTesting", .logging], swiftSettings: settings),
        .testTarget(
            name: "TransparencyLogTests", dependencies: ["TransparencyLog", "ConformanceTesting", "AuditTesting", .crypto],
            swiftSettings: settings),
        .testTarget(
            name: "ProjectionsTests",
            dependencies: [
                "Projections", "EventStore", "Detection", "Alerting", "AuditTesting", "ConformanceTesting", "DatabaseTesting",
                "AuditEvents",
                "PostgreSQL", "LogFormats", .lifecycle, .logging,
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
