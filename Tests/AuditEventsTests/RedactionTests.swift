import AuditEvents
import AuditTesting
import Testing

/// Secrets are put together at run time, so that no scanner of repositories takes them for real ones.
private func joined(_ parts: String...) -> String { parts.joined() }

private let jwt = joined("eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiJhbGljZSJ9", ".", "c2lnbmF0dXJlc2lnbmF0dXJl")

@Suite("redaction")
struct RedactionTests {
    /// A text, and the part of it that must not survive.
    static let secrets: [(text: String, secret: String)] = [
        ("Authorization: Bearer abcDEF123456", "abcDEF123456"), ("authorization: bearer abcDEF123456", "abcDEF123456"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Authorization: Digest username=\"u\", response=\"6629fae49393a05397450978507c4ef1\"", "6629fae4"),
        ("Authorization: Negotiate YIIJvwYGKwYBBQUCoIIJsz", "YIIJvw"), ("Authorization: token s3cr3tvalue", "s3cr3tvalue"),
        ("Authorization: AWS4-HMAC-SHA256 Credential=AKID/2026, Signature=fe5f80f77d5fa3be", "fe5f80f77d5fa3be"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"), ("{\"Authorization\":\"Bearer abc\"}", "abc"),
        ("-H 'Authorization: ApiKey k-123-456'", "k-123-456"), ("header Bearer abcDEF.ghi-123~x+/=", "abcDEF.ghi"),
        ("?h=Basic%20dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("NTLM TlRMTVNTUAABAAAAB4IIogAAAAA", "TlRMTVNT"), ("token: Bearer s3cr3t-value9", "s3cr3t"),
        ("access_token=Bearer+s3cr3tvalue9", "s3cr3t"),
        ("Cookie: a=b; session=deadbeef", "deadbeef"), ("Set-Cookie: sid=deadbeef; Path=/; HttpOnly", "deadbeef"),
        ("cookie: theme=\"dark\"; x=deadbeef", "deadbeef"),
        ("\"Cookie\": \"a=b; c=deadbeef\"", "deadbeef"), ("cookies=a=b; c=deadbeef", "deadbeef"),
        ("connect.sid=s%3Adeadbeef.abc", "deadbeef"),
        ("PHPSESSID=deadbeef", "deadbeef"), ("JSESSIONID=deadbeef;", "deadbeef"), ("session_id=deadbeef", "deadbeef"),
        ("{\"password\":\"hunter2\"}", "hunter2"), ("{\"password\" : \"correct horse, battery & staple\"}", "staple"),
        ("{\"password\":\"a\\\"b-tail\"}", "tail"),
        ("{\\\"password\\\":\\\"hunter2 two\\\",\\\"a\\\":1}", "two"), ("{'user':{'PassWord':'hunter2'}}", "hunter2"),
        ("{\"password\":123456}", "123456"),
        ("user=a&password=hunter2&x=1", "hunter2"), ("user[password]=hunter2", "hunter2"), ("user%5Bpassword%5D=hunter2", "hunter2"),
        ("/login?p%61ssw%6Frd=hunter2", "hunter2"), ("/login?pa%2573sword=hunter2", "hunter2"), ("password%3Dhunter2", "hunter2"),
        ("%7B%22password%22%3A%22hunter2%22%7D", "hunter2"), ("passwd=hunter2", "hunter2"), ("pwd=hunter2", "hunter2"),
        ("PGPASSWORD=hunter2", "hunter2"),
        ("MYSQL_PWD=hunter2", "hunter2"), ("password = hunter2", "hunter2"), ("password : hunter2", "hunter2"),
        ("password:\thunter2", "hunter2"),
        ("new_password=hunter2", "hunter2"), ("password2=hunter2", "hunter2"), ("password_confirmation=hunter2", "hunter2"),
        ("password=a,b)c'd}tail", "tail"),
        ("password=fp_hunter2", "hunter2"), ("password=[redacted:x]hunter2", "hunter2"), ("passphrase: \"correct horse\"", "horse"),
        ("client_secret=hunter2", "hunter2"), ("SECRET_KEY: hunter2", "hunter2"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPx", "wJalr"),
        ("api_key=hunter2", "hunter2"), ("apiKey: hunter2", "hunter2"), ("X-Api-Key: hunter2", "hunter2"), ("api-key=hunter2", "hunter2"),
        ("/reset/pzlwOZN-GkRJa_lb7JWCnEbgZJWhjDxMBP0PcjgcnKY", "pzlwOZN"),
        ("GET /s/fs_sQ83hUQUx5Tbiz0asxeqo_uKEh04DD3ybH-aInWA?a=b", "fs_sQ83"),
        ("token=hunter2", "hunter2"), ("access_token=hunter2", "hunter2"), ("refreshToken: hunter2", "hunter2"),
        ("X-CSRF-Token: hunter2", "hunter2"),
        ("X-Vault-Token: hunter2", "hunter2"), ("private_token=hunter2", "hunter2"), ("?reset_token=hunter2#x", "hunter2"),
        ("otp=123456", "123456"),
        ("https://alice:hunter2@example.com/x", "hunter2"), ("postgres://u:p%40ss-tail@h:5432/d", "tail"),
        ("redis://:hunter2@h", "hunter2"),
        ("amqp://u:a:b@c-tail@h/", "tail"), ("Server=h;Uid=sa;Pwd=hunter2;Database=d", "hunter2"),
        ("host=h user=u password='two words' dbname=d", "words"),
        ("postgresql://u@h/d?password=hunter2", "hunter2"), ("AccountName=a;AccountKey=k;SharedAccessKey=hunter2==", "hunter2"),
        (jwt, "c2lnbmF0dXJl"), ("x \(jwt), y", "eyJzdWIi"), ("q=\(jwt.split(separator: ".").prefix(2).joined(separator: "."))", "eyJzdWIi"),
        ("%22\(jwt)%22", "c2lnbmF0dXJl"),
        (joined("eyJhbGciOiJkaXIifQ", "..", "aXZpdml2", ".", "Y2lwaGVydGV4dA", ".", "dGFndGFn"), "Y2lwaGVydGV4dA"),
        (joined("eyJhbGciOiJSU0Et", ".", "a2V5", ".", "aXY", ".", "Y2lwaGVydGV4dA", ".", "dGFn"), "Y2lwaGVydGV4dA"),
        (joined("eyJhbGciOiJub25lIn0", ".", "eyJzdWIiOiJhIn0", "."), "eyJzdWIi"),
        (joined("-----BEGIN RSA PRIVATE", " KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"), "IBAAK"),
        (joined("-----BEGIN OPENSSH PRIVATE", " KEY-----\\nb3BlbnNza"), "b3BlbnNza"),
        (joined("-----BEGIN PRIVATE", " KEY-----\nMIIEow cut"), "MIIEow"),
        (joined("AKIA", "IOSFODNN7EXAMPLE"), "IOSFODNN7"), (joined("id ghp", "_16C7e42F292c6912E7710c838347Ae178B4a"), "16C7e42F"),
        (joined("github_pat", "_11ABCDEFG0abcdefghijklmnopqrstuvwxyz"), "11ABCDEFG0"),
        (joined("xoxb", "-123456789012-abcdefghijkl"), "abcdefghijkl"),
        (joined("https://hooks.slack", ".com/services/T000/B000/XXXXYYYYZZZZ"), "XXXXYYYY"),
        (joined("sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"), "4eC39Hq"),
        (joined("sk-", "proj-aB3dE5gH7jK9mN1pQ3sT5"), "aB3dE5"), (joined("AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"), "9tSrke72"),
        (joined("ya29", ".a0AfH6SMBx_abcdefghijklm"), "a0AfH6"), (joined("GOCSPX", "-abcdefghijklmnopqrstuvwx"), "abcdefgh"),
        (joined("SG", ".ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"), "TwL2iGAB"),
        (joined("glpat", "-abcdefghijklmnop1234"), "abcdefgh"),
    ]

    @Test("secrets are gone", arguments: secrets.indices)
    func secret(index: Int) throws {
        let (text, secret) = RedactionTests.secrets[index]
        let clean = try #require(Redaction.redact(text), "\(text) was left as it is")
        #expect(!clean.contains(secret), "\(text) became \(clean)")
        #expect(clean.contains("[redacted:"))
        #expect(Redaction.redact(clean) == nil, "\(clean) is changed once more")
        // In the middle of others, too.
        let lines = try #require(Redaction.redact("GET /\n\(text)\nHost: example.com"))
        #expect(!lines.contains(secret) && lines.hasPrefix("GET /\n"))
    }

    static let innocents = [
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDWJYp2uK8Vc5Z3bJE",
        "Accepted publickey for root from 10.0.0.1 port 22 ssh2: ED25519 SHA256:uNiVztksCsDhcc0u9e8BrrJX",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "commit 9caa18b0f3c2c60b62e3b1ff4988ba548c91", "passport=AB1234567", "tokenizer: bpe", "max_tokens=500", "author: Jane Doe",
        "author=jane",
        "authority=https://example.com", "2026-11-23T02:34:13.000000Z", "10:00:00", "2001:db8::1", "[2001:db8::ff00:42:8329]:443",
        "::ffff:10.0.0.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "https://example.com:8080/a/b?page=2&sort=name#top", "http://example.com/user@host", "git@github.com:owner/repo.git",
        "mailto:alice@example.com",
        "/static/9caa18b0f3c2c60b62e3b1ff4988ba548c919caa18b0f3c2", "/fonts/memSYaGs126MiZpBAUvWbX2vVnXBbObj2OVZyOOSr4dVJWUg.woff2",
        "/login", "/reset-password/step2", "/oauth/token", "GET /password/reset HTTP/1.1",
        "Failed password for root from 10.0.0.1 port 22 ssh2",
        "no user/password was provided for basic authentication", "Basic authentication failed", "Bearer authorization required",
        "the cookie was refused",
        "secretary=Jane", "compass=north", "bypass=1", "monkey=banana", "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "key=value",
        "primary_key=5", "keyboard=de", "/shop/sk-bratislava-old-town-hotels",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 tty=ssh ruser= rhost=10.0.0.1",
        "nextPageToken=abc", "eyJ", "eyJust.a.word", "Basic", "a=b=c", "::::", "====", "password", "password=", "password: ",
        "{\"password\":\"\"}", "user:", "",
    ]

    @Test("what is no secret is left alone", arguments: innocents)
    func innocent(text: String) {
        #expect(Redaction.redact(text) == nil)
    }

    @Test("fingerprints may stand under names of secrets")
    func fingerprints() {
        let text = "token=\(Fingerprinter(key: [1]).fingerprint("x", purpose: .token))"
        #expect(Redaction.redact(text) == nil)
        #expect(Redaction.redact(text + "0") != nil)
    }

    @Test("the rest of a line stays readable")
    func rest() {
        #expect(Redaction.redact("/login?user=al&password=x&next=%2F") == "/login?user=al&password=[redacted:password]&next=%2F")
        #expect(Redaction.redact("https://al:x@example.com/") == "https://al:[redacted:password]@example.com/")
        #expect(Redaction.redact("\"Cookie: a=b\" \"curl/8\"") == "\"Cookie: [redacted:cookie]\" \"curl/8\"")
        #expect(Redaction.redact("password=x,user=al") == "password=[redacted:password],user=al")
        #expect(Redaction.redact("{\"password\":\"x y\",\"user\":\"al\"}") == "{\"password\":\"[redacted:password]\",\"user\":\"al\"}")
    }

    @Test("applying it twice changes nothing more, whatever the text")
    func idempotent() {
        var random = SeededGenerator(seed: 9)
        let parts =
            RedactionTests.secrets.map(\.text) + RedactionTests.innocents
            + ["\"", "'", " ", "=", ":", "\\", ",", ";", "&", "%22", "%3D", "@", "://", "[redacted:", "]", "\n", "token", "Bearer "]
        for _ in 0..<3000 {
            let text = (0..<4).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            guard let once = Redaction.redact(text) else { continue }
            let twice = Redaction.redact(once)
            // A mark may come to stand where a name promises something; but it is never an endless matter.
            if let twice { #expect(Redaction.redact(twice) == nil, "\(text)\n\(once)\n\(twice)") }
        }
    }

    @Test(
        "no text makes it slow",
        arguments: [
            "a", "=", ":", "\"", "\\", "password", "password=", "password=\"", "eyJ", "eyJaaaaaaaa.", "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----", "://", "://a:",
            "bearer ", "Basic ", "token: \\\"", "%", "%3D", "sk-", "AKIA", ",", "password=a,", "[redacted:", " :", "a.b-c_d",
        ])
    func slow(unit: String) {
        let text = String(repeating: unit, count: (1 << 17) / unit.utf8.count)
        let took = processorTime { _ = Redaction.redact(text) }
        #expect(took < .seconds(5))
    }

    @Test("of an API key that an application issued, the secret goes and the name stays; what only resembles one stays whole")
    func ownKeys() {
        let (id, secret) = ("0f9c2a76e1d3b485", String(repeating: "0123456789abcdef", count: 4) + "deadbeef")
        for (before, after) in [("/books/shop_", "/more"), ("shop_", ""), ("key shop_", " end"), ("SHOP2_", "?x"), ("a_shop_", "x")] {
            let rest = after == "x" ? "" : after
            #expect(Redaction.redact(before + id + "_" + secret + after) == before + id + "_[redacted:key]" + rest)
        }
        #expect(Redaction.redact("shop_\(id)_\(secret) shop_\(id)_\(secret)") == "shop_\(id)_[redacted:key] shop_\(id)_[redacted:key]")
        for text in [
            "/books/shop_\(id)", "_\(id)_\(secret)", "shop_\(id)_\(secret.prefix(63))", "shop_\(id.dropLast())_\(secret)",
            "shop_\(id)-\(secret)", "shop_\(id.dropLast())g_\(secret)", "/objects/\(secret)",
        ] { #expect(Redaction.redact(text) == nil) }
    }
}
