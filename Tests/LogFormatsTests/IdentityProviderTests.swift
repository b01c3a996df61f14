import AuditEvents
import LogFormats
import Testing

@Suite struct IdentityProviderTests {
    static let time = Timestamp("2024-05-06T20:40:16.353Z")

    @Test("Keycloak: plain, quoted and JSON events")
    func keycloak() throws {
        let plain = try record(ServiceLines.keycloak)
        #expect(plain.type == .loginFailure && plain.reason == "unknown_account" && plain.user == "joe" && plain.ip == "192.0.2.7")
        #expect(plain.time == Self.time && plain.body.actor?.id == nil)
        let quoted = try record(ServiceLines.keycloakQuoted)
        #expect(quoted.reason == "bad_password" && quoted.user == "joe" && quoted.body.actor?.id == "7f" && quoted.ip == "192.0.2.7")
        let json = try record(ServiceLines.keycloakJSON)
        #expect(json.type == .loginSuccess && json.user == "joe" && json.ip == "192.0.2.7" && json.time == Self.time)
        #expect(try record(ServiceLines.keycloak.replacing("user_not_found", with: "user_temporarily_disabled")).type == .loginLocked)
        #expect(lines(ServiceLines.keycloak.replacing("user_not_found", with: "expired_code"))[0].isSkipped)
        #expect(
            lines("2024-05-06 20:40:16,353 INFO  [org.keycloak.services] (main) KC-SERVICES0050: Initializing master realm")[0].isSkipped)
    }

    @Test(
        "Keycloak: names that imitate fields forge no address",
        arguments: [
            ("username=joe", "username=x, ipAddress=6.6.6.6"),
            ("clientId=console", "clientId=x, userId=null, ipAddress=6.6.6.6"),
            ("username=joe", "username=x\", ipAddress=\"6.6.6.6"),
        ])
    func keycloakForged(old: String, new: String) throws {
        #expect(try record(ServiceLines.keycloak.replacing(old, with: new)).ip != "6.6.6.6")
        let quoted = ServiceLines.keycloakQuoted.replacing("username=\"joe\"", with: "username=\"x\", ipAddress=\"6.6.6.6\"")
        #expect(try record(quoted).ip == "192.0.2.7")
    }

    @Test(
        "Authelia: which factor failed and why",
        arguments: [
            ("Unsuccessful 1FA authentication attempt by user 'joe': user not found", "unknown_account"),
            ("Unsuccessful 1FA authentication attempt by user 'joe'", "bad_password"),
            ("Unsuccessful TOTP authentication attempt by user 'joe'", "bad_code"),
            ("Unsuccessful Duo authentication attempt by user 'joe': duo auth result: deny, status: deny", "mfa_denied"),
            (
                "Error occurred getting details for user with username input 'joe' which usually indicates they do not exist",
                "unknown_account"
            ),
        ])
    func authelia(message: String, reason: String) throws {
        let text =
            #"time="2024-05-06T22:40:16.353+02:00" level=error msg="\#(message)" method=POST path=/api/firstfactor remote_ip=192.0.2.7"#
        let json =
            #"{"level":"error","method":"POST","msg":"\#(message)","path":"/api/firstfactor","remote_ip":"192.0.2.7","time":"2024-05-06T22:40:16.353+02:00"}"#
        for line in [text, json] {
            let record = try record(line)
            #expect(record.type == .loginFailure && record.reason == reason && record.user == "joe" && record.ip == "192.0.2.7")
            #expect(record.time == Self.time)
        }
    }

    @Test("Authelia: successes, other lines, and a name that imitates the address's field")
    func autheliaOthers() throws {
        func line(_ message: String) -> String {
            #"time="2024-05-06T22:40:16+02:00" level=debug msg="\#(message)" method=POST path=/api/firstfactor remote_ip=192.0.2.7"#
        }
        #expect(try record(line("Successful 1FA authentication attempt made by user 'joe'")).type == .loginSuccess)
        let forged = try record(line(#"Unsuccessful 1FA authentication attempt by user 'x\" remote_ip=6.6.6.6 y=\"'"#))
        #expect(forged.ip == "192.0.2.7" && forged.user == #"x" remote_ip=6.6.6.6 y=""#)
        #expect(lines(#"time="2024-05-06T22:40:16+02:00" level=info msg="Listening for connections""#)[0].isSkipped)
    }

    @Test("authentik: events and requests")
    func authentik() throws {
        let failed = try record(ServiceLines.authentik)
        #expect(failed.type == .loginFailure && failed.reason == "bad_password" && failed.user == "joe" && failed.ip == "192.0.2.7")
        #expect(failed.time == Self.time && failed.body.actor?.id == "2" || failed.body.actor?.id == nil)
        let unknown = try record(
            #"{"action": "invalid_identifier", "client_ip": "192.0.2.7", "event": "invalid_login", "identifier": "joe", "logger": "authentik.flows.stage", "timestamp": "2024-05-06T20:40:16.353"}"#
        )
        #expect(unknown.type == .loginFailure && unknown.reason == "unknown_account" && unknown.user == "joe")
        let success = try record(ServiceLines.authentik.replacing("login_failed", with: "login"))
        #expect(success.type == .loginSuccess)
        let request = try record(
            #"{"event":"/if/flow/x/","host":"a.example","level":"info","logger":"authentik.router","method":"GET","remote":"192.0.2.7:4242","runtime":"1.2","status":404,"timestamp":"2024-05-06T20:40:16Z","user":"","user_agent":"curl/8"}"#
        )
        #expect(request.type == .httpRequest && request.status == 404 && request.ip == "192.0.2.7" && request.body.client?.port == 4242)
    }

    @Test("Grafana: one failed login is one event, whichever lines tell of it")
    func grafana() throws {
        #expect(try record(ServiceLines.grafanaOld).reason == "unknown_account")
        let new = try record(ServiceLines.grafana)
        #expect(new.type == .loginFailure && new.ip == "192.0.2.7" && new.status == 401)
        let both = records(ServiceLines.grafanaOld + "\n" + ServiceLines.grafana + "\n" + ServiceLines.grafana)
        #expect(both.map(\.type) == [.loginFailure, .httpRequest, .loginFailure])
        #expect(try record(ServiceLines.grafana.replacing("status=401", with: "status=200")).type == .loginSuccess)
        #expect(try record(ServiceLines.grafana.replacing("path=/login", with: "path=/api/x")).type == .httpRequest)
        #expect(lines("logger=migrator t=2024-05-06T20:40:16Z level=info msg=\"Starting DB migrations\"")[0].isSkipped)
    }

    @Test("Gitea and Forgejo: accounts, errors and other messages")
    func gitea() throws {
        let failed = try record(ServiceLines.gitea)
        #expect(failed.type == .loginFailure && failed.reason == "unknown_account" && failed.user == "joe" && failed.ip == "192.0.2.7")
        let wrong = try record(
            ServiceLines.giteaHead
                + "Failed authentication attempt for joe from [2001:db8::7]:39522: user's password is invalid [uid: 1, name: joe]")
        #expect(wrong.reason == "bad_password" && wrong.ip == "2001:db8::7")
        let ssh = try record("2024/05/06 20:40:16 [W] [64f1a2b3] Failed authentication attempt from 192.0.2.7:22")
        #expect(ssh.type == .loginFailure && ssh.ip == "192.0.2.7")
        #expect(lines("2024/05/06 20:40:16 cmd/web.go:102:runWeb() [I] Starting Gitea")[0].isSkipped)
        var parser = parser(year: 2024)
        let syslog = "May  6 20:40:16 h gitea[7]: " + ServiceLines.gitea
        #expect(parser.parse(Array(syslog.utf8)).record?.ip == "192.0.2.7" && parser.currentFormat == .gitea)
    }

    @Test(
        "Gitea: a name that holds an address forges none",
        arguments: [
            "x from 6.6.6.6:1: y", "x from 6.6.6.6:1: user does not exist [uid: 0, name: x, keyid: 0]", "x from 6.6.6.6", "from 6.6.6.6:1:",
        ])
    func giteaForged(name: String) throws {
        let line =
            ServiceLines.giteaHead
            + "Failed authentication attempt for \(name) from 192.0.2.7:39522: user does not exist [uid: 0, name: \(name), keyid: 0]"
        let record = try record(line)
        #expect(record.ip == "192.0.2.7" && record.user == name && record.type == .loginFailure)
    }
}
