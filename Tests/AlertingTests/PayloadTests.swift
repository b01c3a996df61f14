import AuditEvents
import Detection
import Testing

@testable import Alerting

@Suite("Signatures, CEF and routes")
struct PayloadTests {
    private func alert(_ rule: String, _ severity: Severity, _ tenant: String) -> AlertFacts {
        AlertFacts(
            id: AlertID(high: 1, low: 1), tenant: tenant, ruleID: "id of \(rule)", ruleTitle: "Title of \(rule)", ruleName: rule,
            severity: severity,
            group: [:])
    }

    /// The vector of the libraries of Standard Webhooks.
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test("the signature is that of the reference libraries")
    func vector() throws {
        let signer = try #require(WebhookSigner(secrets: [Self.secret]))
        let body = Array(#"{"test": 2432232314}"#.utf8)
        let headers = try #require(signer.headers(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", time: 1_614_265_330, body: body))
        #expect(headers.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(headers.map(\.value) == ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="])
    }

    @Test("while a secret is replaced both sign, the newest first")
    func rotation() throws {
        let newer = "whsec_" + String(repeating: "QUFB", count: 8)
        let both = try #require(WebhookSigner(secrets: [newer, Self.secret])?.headers(id: "a", time: 1, body: []))[2].value
        let each = try [newer, Self.secret].map { try #require(WebhookSigner(secrets: [$0])?.headers(id: "a", time: 1, body: []))[2].value }
        #expect(both == each.joined(separator: " "))
    }

    @Test(
        "secrets of another form are refused",
        arguments: ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    func badSecret(_ secret: String) {
        #expect(WebhookSigner(secrets: [secret]) == nil)
        #expect(WebhookSigner(secrets: [Self.secret, secret]) == nil)
    }

    @Test("no secret signs nothing, and an id with a dot or a line end is refused", arguments: ["", "a.1", "a\r\nb", "é"])
    func badID(_ id: String) throws {
        #expect(WebhookSigner(secrets: []) == nil)
        #expect(try #require(WebhookSigner(secrets: [Self.secret])).headers(id: id, time: 1, body: []) == nil)
    }

    @Test("a description shows no key")
    func description() throws {
        let signer = try #require(WebhookSigner(secrets: [Self.secret]))
        #expect("\(signer)" == "WebhookSigner(1 keys)")
        var dumped = ""
        dump(signer, to: &dumped)
        #expect(!dumped.contains("Key:") && !dumped.contains("MfKQ"))
    }

    @Test("CEF is one line with its separators escaped, whatever the values")
    func commonEventFormat() {
        let event = CommonEventFormat(
            productVersion: "1", classID: "a|b", name: "c\\d\r\ne=f", severity: 99,
            fields: [.init("msg", "x=1|y\\\r\nz\u{2028}\u{0}"), .init("bad key", "1"), .init("src", "192.0.2.1")])
        #expect(event.line == #"CEF:0|Cardea|Cardea|1|a\|b|c\\d  e=f|10|msg=x\=1|y\\\r\nz   src=192.0.2.1"#)
    }

    @Test("an alert goes to each receiver of the routes that match once, in order")
    func routes() {
        let routes = [
            DeliveryRoute(receivers: ["all"]), DeliveryRoute(receivers: ["pager", "all"], leastSeverity: .high),
            DeliveryRoute(receivers: ["one"], rules: ["r1"]), DeliveryRoute(receivers: ["acme"], tenants: ["acme"]),
        ]
        #expect(DeliveryRoute.receivers(routes, for: alert("r0", .low, "t")) == ["all"])
        #expect(DeliveryRoute.receivers(routes, for: alert("r1", .critical, "acme")) == ["all", "pager", "one", "acme"])
        #expect(DeliveryRoute.receivers(routes, for: alert("r0", .high, "t")) == ["all", "pager"])
        for name in ["r1", "id of r1", "Title of r1"] {
            let route = DeliveryRoute(receivers: ["x"], rules: [name])
            #expect(DeliveryRoute.receivers([route], for: alert("r1", .low, "t")) == ["x"])
            #expect(DeliveryRoute.receivers([route], for: alert("r2", .low, "t")).isEmpty)
        }
        #expect(DeliveryRoute.receivers([], for: alert("r0", .high, "t")).isEmpty)
    }
}
