import AuditEvents

extension FieldTable {
    /// Caddy's access log: every request, with its headers. A 401 to a request that brought credentials (their value is not logged) is a failed
    /// login.
    static let caddy = FieldTable(
        service: "caddy", marks: [.has("request.method"), .has("request.uri"), .has("ts")],
        kin: [.has("ts"), .has("level"), .has("msg"), .has("logger")], time: ["ts"], actor: ["user_id"],
        client: ["request.client_ip", "request.remote_ip", "request.remote_addr"], port: ["request.remote_port"],
        userAgent: ["request.headers.User-Agent"], method: ["request.method"], path: ["request.uri"], status: ["status"],
        target: ["request.host"], duration: ("duration", .seconds),
        details: [("bytes", "size"), ("protocol", "request.proto"), ("referer", "request.headers.Referer")],
        rules: [
            // Caddy logs the request itself as well.
            FieldRule([.starts("logger", "http.log.error")], .skipped("an error of a request that has its own line")),
            FieldRule([.starts("logger", "http.handlers", "http.reverse_proxy")], .skipped("a line about a request that has its own line")),
            FieldRule(
                [.equals("status", "401"), .present("request.headers.Authorization")], .loginFailure, reason: .code("bad_credentials")),
            FieldRule([.equals("status", "401"), .has("user_id")], .loginFailure, reason: .code("bad_credentials")),
        ], otherwise: .request)

    /// Traefik's access log in JSON. A name beside a 401 is one that basic authentication refused.
    static let traefik = FieldTable(
        service: "traefik", marks: [.has("RequestMethod"), .has("RequestPath"), .has("DownstreamStatus")],
        kin: [.has("entryPointName"), .has("time"), .has("level")], time: ["StartUTC", "StartLocal", "time"], actor: ["ClientUsername"],
        client: ["ClientHost", "ClientAddr"], port: ["ClientPort"], userAgent: ["request_User-Agent", "request_user-agent"],
        method: ["RequestMethod"], path: ["RequestPath"], status: ["DownstreamStatus", "OriginStatus"],
        target: ["RequestHost", "RequestAddr"], duration: ("Duration", .nanoseconds),
        details: [
            ("bytes", "DownstreamContentSize"), ("protocol", "RequestProtocol"), ("router", "RouterName"), ("upstream", "ServiceName"),
            ("referer", "request_Referer"),
        ],
        rules: [
            FieldRule([.equals("DownstreamStatus", "401"), .present("ClientUsername")], .loginFailure, reason: .code("bad_credentials"))
        ],
        otherwise: .request)

    /// Envoy's access log in JSON, as Istio, Contour and Envoy Gateway name its fields.
    static let envoy = FieldTable(
        service: "envoy", marks: [.has("response_code"), .has("method"), .exists("response_flags")],
        time: ["start_time", "@timestamp", "timestamp"],
        client: ["downstream_remote_address", "downstream_direct_remote_address", "x_forwarded_for", "x-forwarded-for"],
        userAgent: ["user_agent", "user-agent"], method: ["method"], path: ["path", "x-envoy-origin-path"], status: ["response_code"],
        target: ["authority", ":authority"], requestID: ["request_id", "x_request_id", "x-request-id"],
        duration: ("duration", .milliseconds),
        details: [
            ("bytes", "bytes_sent"), ("protocol", "protocol"), ("response_flags", "response_flags"), ("upstream", "upstream_host"),
            ("response_code_details", "response_code_details"), ("x_forwarded_for", "x_forwarded_for"),
        ],
        rules: [], otherwise: .request)
}

extension FieldCondition {
    /// The field is there, whatever it holds: an empty list, too.
    static func exists(_ path: FieldPath) -> Self { .init(path: path, test: .isThere) }
    /// The field is there and not `-`.
    static func present(_ path: FieldPath) -> Self { .init(path: path, test: .isNoDash) }
}
