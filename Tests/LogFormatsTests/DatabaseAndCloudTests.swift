import AuditEvents
import LogFormats
import Testing

@Suite struct DatabaseAndCloudTests {
    @Test(
        "PostgreSQL: a failed password, whatever the prefix",
        arguments: [
            "2024-05-06 20:40:16.353 UTC [147] 192.0.2.7 joe@app ", "2024-05-06 20:40:16 UTC:192.0.2.7(5432):joe@app:[127]:",
            "2024-05-06 20:40:16.353 UTC [147] user=joe,db=app,app=[unknown],client=192.0.2.7 ",
            "2024-05-06 22:40:16 +02 192.0.2.7(40000) [1] ",
            "< 2024-05-06 20:40:16.353 UTC 192.0.2.7 >",
        ])
    func prefixes(prefix: String) throws {
        let record = try record(prefix + #"FATAL:  password authentication failed for user "joe""#)
        #expect(record.type == .loginFailure && record.reason == "bad_password" && record.user == "joe" && record.ip == "192.0.2.7")
        #expect(record.time.description.hasPrefix("2024-05-06T20:40:16"))
    }

    @Test("PostgreSQL: without an address in the prefix, the connection's own line tells")
    func connection() throws {
        let log = """
            2024-05-06 20:40:16.353 UTC [147] LOG:  connection received: host=192.0.2.7 port=40000
            2024-05-06 20:40:16.360 UTC [147] FATAL:  password authentication failed for user "joe"
            2024-05-06 20:40:16.360 UTC [147] DETAIL:  Connection matched file "/etc/pg_hba.conf" line 9: FATAL:  x
            \tpg_hba "host all all"
            2024-05-06 20:40:17.000 UTC [148] joe@app LOG:  connection authorized: user=joe database=app application_name=psql
            2024-05-06 20:40:18.000 UTC [148] joe@app ERROR:  permission denied for table secrets
            2024-05-06 20:40:18.000 UTC [148] joe@app STATEMENT:  select * from secrets
            """
        let result = records(log)
        #expect(result.map(\.type) == [.loginFailure, .loginSuccess, .authorizationFailure])
        #expect(result[0].ip == "192.0.2.7" && result[1].user == "joe" && result[1].ip == nil)
        #expect(lines(log).allSatisfy { $0.rejection == nil })
    }

    @Test("PostgreSQL: csvlog, jsonlog and syslog")
    func forms() throws {
        let csv = try record(ServiceLines.postgresCSV)
        #expect(csv.reason == "unknown_account" && csv.ip == "192.0.2.7" && csv.user == "joe" && csv.body.target == "app")
        let json = try record(ServiceLines.postgresJSON)
        #expect(json.type == .authorizationFailure && json.reason == "no_pg_hba_entry" && json.ip == "192.0.2.7")
        var parser = parser(year: 2024)
        let syslog = #"May  6 20:40:16 h postgres[147]: [3-1] 192.0.2.7 joe@app FATAL:  password authentication failed for user "joe""#
        let record = try #require(parser.parse(Array(syslog.utf8)).record)
        #expect(record.ip == "192.0.2.7" && record.user == "joe" && record.time == Timestamp("2024-05-06T20:40:16Z"))
    }

    @Test(
        "PostgreSQL: a name that holds an address or a message forges none",
        arguments: ["6.6.6.6", "x 6.6.6.6 y", #"x FATAL:  password authentication failed for user "y"#, "a@6.6.6.6"])
    func forged(name: String) throws {
        let line = "2024-05-06 20:40:16.353 UTC [147] \(name)@app 192.0.2.7 FATAL:  password authentication failed for user \"\(name)\""
        let result = lines(line)[0]
        #expect(result.record?.ip != "6.6.6.6", "\(result)")
        let hba =
            #"2024-05-06 20:40:16 UTC [1] FATAL:  no pg_hba.conf entry for host "192.0.2.7", user "host "6.6.6.6"", database "x", SSL off"#
        #expect(try record(hba).ip == "192.0.2.7")
    }

    @Test("Vault: the response tells how a login ended; tokens and HMACs are left out")
    func vault() throws {
        let failed = try record(ServiceLines.vault)
        #expect(failed.type == .loginFailure && failed.user == "joe" && failed.ip == "192.0.2.7" && failed.body.client?.port == 4242)
        let success = try record(
            ServiceLines.vault.replacing(
                #""data":{"error":"hmac-sha256:bb"}"#, with: #""auth":{"client_token":"hvs.x","display_name":"userpass-joe"}"#))
        #expect(success.type == .loginSuccess && success.user == "joe")
        #expect(lines(ServiceLines.vault.replacing(#""type":"response""#, with: #""type":"request""#))[0].isSkipped)
        let denied = try record(
            #"{"time":"2024-05-06T20:40:16Z","type":"response","auth":{"display_name":"joe"},"request":{"operation":"read","path":"secret/data/x","remote_address":"192.0.2.7"},"error":"1 error occurred:\n\t* permission denied\n\n"}"#
        )
        #expect(denied.type == .authorizationFailure && denied.reason == "permission_denied" && denied.user == "joe")
    }

    @Test("CloudTrail: console sign-ins, refused calls, hidden names")
    func cloudTrail() throws {
        let failed = try record(ServiceLines.cloudTrail)
        #expect(failed.type == .loginFailure && failed.reason == "bad_password" && failed.user == "joe" && failed.ip == "192.0.2.7")
        let unknown = try record(
            ServiceLines.cloudTrail.replacing("Failed authentication", with: "No username found in supplied account").replacing(
                #""userName":"joe""#, with: #""userName":"HIDDEN_DUE_TO_SECURITY_REASONS""#))
        #expect(unknown.reason == "unknown_account" && unknown.user == nil)
        let root = try record(
            ServiceLines.cloudTrail.replacing(#""Failure""#, with: #""Success""#).replacing("IAMUser", with: "Root"))
        #expect(root.type == .loginSuccess && root.privileged)
        let denied = try record(
            #"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"joe"},"eventTime":"2024-05-06T20:40:16Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"192.0.2.7","errorCode":"AccessDenied"}"#
        )
        #expect(denied.type == .authorizationFailure && denied.body.details["event_name"] == "GetObject")
    }

    @Test("Okta: sign-ins, factors, locks")
    func okta() throws {
        let failed = try record(ServiceLines.okta)
        #expect(
            failed.type == .loginFailure && failed.reason == "bad_password" && failed.user == "joe@a.example" && failed.ip == "192.0.2.7")
        #expect(failed.body.client?.userAgent == "Mozilla/5.0")
        #expect(try record(ServiceLines.okta.replacing("INVALID_CREDENTIALS", with: "LOCKED_OUT")).type == .loginLocked)
        #expect(
            try record(ServiceLines.okta.replacing("user.session.start", with: "user.mfa.okta_verify.deny_push")).reason == "mfa_denied")
        #expect(try record(ServiceLines.okta.replacing("FAILURE", with: "SUCCESS")).type == .loginSuccess)
        #expect(lines(ServiceLines.okta.replacing("user.session.start", with: "app.oauth2.as.evaluate.claim"))[0].isSkipped)
    }

    @Test("arrays are read element by element, on one line or pretty, cut anywhere into pieces", arguments: [1, 7, 64, 100_000])
    func arrays(size: Int) throws {
        let pretty = ServiceLines.okta.replacing(",\"", with: ",\n  \"")
        let documents = [
            "[\(ServiceLines.okta),\(pretty)]\n[\(ServiceLines.okta)]\n",
            "{\"Records\": [\(ServiceLines.cloudTrail), \(ServiceLines.cloudTrail)]}\n",
            "  {\n\"Records\" :\n[\n\(pretty)\n]\n}", ServiceLines.okta + "\n" + ServiceLines.okta + "\n", "[\(ServiceLines.okta),",
        ]
        for (document, count) in zip(documents, [3, 2, 1, 2, 1]) {
            var input = LogInput()
            var parser = parser()
            var found = 0
            let bytes = Array(document.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try input.push(bytes[start..<min(bytes.count, start + size)]) { if parser.parse($0).record != nil { found += 1 } }
            }
            try input.finish { if parser.parse($0).record != nil { found += 1 } }
            #expect(found == count, "\(document.prefix(20))")
        }
    }
}
