import LogFormats

/// A good line of each kind of the formats beside sshd's and the web servers' own, with its format.
enum ServiceLines {
    static let caddy401 =
        #"{"level":"info","ts":1711741798.25,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"46944","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"a.example","uri":"/admin?x=1","headers":{"Authorization":["REDACTED"],"User-Agent":["curl/8"]}},"bytes_read":0,"user_id":"","duration":0.002,"size":17,"status":401}"#
    static let traefikJSON =
        #"{"ClientAddr":"192.0.2.7:4242","ClientHost":"192.0.2.7","ClientUsername":"joe","DownstreamContentSize":17,"DownstreamStatus":401,"Duration":2500000,"RequestHost":"a.example","RequestMethod":"GET","RequestPath":"/dashboard/","RequestProtocol":"HTTP/2.0","RouterName":"dash@file","StartUTC":"2024-05-06T20:40:16.353Z","level":"info","msg":"","request_User-Agent":"curl/8","time":"2024-05-06T20:40:16Z"}"#
    static let traefik = #"192.0.2.7 - joe [06/May/2024:20:40:16 +0000] "GET / HTTP/1.1" 401 17 "-" "curl/8" 72 "who@docker" "-" 3ms"#
    static let haproxyHead = "192.0.2.7:58430 [06/May/2024:20:40:16.608] main "
    static let haproxy = haproxyHead + #"main/<NOSRV> -1/-1/-1/-1/12 401 248 - - PR-- 0/0/0/0/0 0/0 "GET /x?y HTTP/1.1""#
    static let envoy =
        #"[2024-05-06T20:40:16.353Z] "POST /api/v1 HTTP/2" 204 - 154 99 226 100 "198.51.100.1, 192.0.2.7" "agent/1" "cc21d9b0" "a.example" "tcp://10.0.2.1:80""#
    static let istio =
        #"[2024-05-06T20:40:16.353Z] "GET /s HTTP/1.1" 403 - rbac_access_denied_matched_policy[none] - "-" 0 19 1 - "192.0.2.7" "agent/1" "id-1" "a.example" "-" outbound|80||a - 10.0.0.1:80 192.0.2.7:9 - -"#
    static let envoyJSON =
        #"{"authority":"a.example","bytes_sent":19,"duration":4,"method":"GET","path":"/p","protocol":"HTTP/1.1","response_code":429,"response_flags":"RL","start_time":"2024-05-06T20:40:16.353Z","user_agent":"a","x_forwarded_for":"6.6.6.6","downstream_remote_address":"192.0.2.7:1234","request_id":"id-1"}"#

    static let keycloakHead = "2024-05-06 20:40:16,353 WARN  [org.keycloak.events] (executor-thread-1) "
    static let keycloak =
        keycloakHead
        + "type=LOGIN_ERROR, realmId=master, clientId=console, userId=null, ipAddress=192.0.2.7, error=user_not_found, auth_method=openid-connect, redirect_uri=https://a.example/, username=joe"
    static let keycloakQuoted =
        keycloakHead
        + #"type="LOGIN_ERROR", realmId="7fb3", realmName="master", clientId="console", userId="7f", ipAddress="192.0.2.7", error="invalid_user_credentials", username="joe""#
    static let keycloakJSON =
        #"{"timestamp":"2024-05-06T20:40:16.353Z","sequence":7,"loggerName":"org.keycloak.events","level":"WARN","message":"type=\"LOGIN\", realmId=\"7fb3\", clientId=\"console\", userId=\"7f\", ipAddress=\"192.0.2.7\", username=\"joe\"","threadName":"executor-thread-1","hostName":"h"}"#
    static let authelia =
        #"time="2024-05-06T22:40:16+02:00" level=error msg="Unsuccessful 1FA authentication attempt by user 'joe': user not found" method=POST path=/api/firstfactor remote_ip=192.0.2.7"#
    static let autheliaJSON =
        #"{"level":"error","method":"POST","msg":"Unsuccessful TOTP authentication attempt by user 'joe'","path":"/api/secondfactor/totp","remote_ip":"192.0.2.7","stack":[{"File":"x.go","Line":1}],"time":"2024-05-06T22:40:16+02:00"}"#
    static let authentik =
        #"{"action": "login_failed", "auth_via": "unauthenticated", "client_ip": "192.0.2.7", "context": {"geo": {"country": "US"}, "http_request": {"args": {"next": "/"}, "method": "POST", "path": "/api/v3/flows/executor/x/"}, "password": "********", "username": "joe"}, "event": "Created Event", "host": "a.example", "level": "info", "logger": "authentik.events.models", "request_id": "a60c", "timestamp": "2024-05-06T20:40:16.353000", "user": {"pk": 2, "username": "AnonymousUser"}}"#
    static let grafanaOld =
        #"t=2024-05-06T20:40:16+0000 lvl=eror msg="Invalid username or password" logger=context userId=0 orgId=0 uname= error="User not found" remote_addr=192.0.2.7"#
    static let grafana =
        #"logger=context userId=0 orgId=0 uname= t=2024-05-06T20:40:16.353000Z level=info msg="Request Completed" method=POST path=/login status=401 remote_addr=192.0.2.7 time_ms=8 duration=8.1ms size=107 referer= handler=/login"#
    static let giteaHead = "2024/05/06 20:40:16 routers/web/auth/auth.go:200:SignInPost() [I] "
    static let gitea =
        giteaHead + "Failed authentication attempt for joe from 192.0.2.7:39522: user does not exist [uid: 0, name: joe, keyid: 0]"

    static let postgres = #"2024-05-06 20:40:16.353 UTC [147] 192.0.2.7 joe@app FATAL:  password authentication failed for user "joe""#
    static let postgresCSV =
        #"2024-05-06 20:40:16.353 UTC,"joe","app",147,"192.0.2.7:5432",6638.93,1,"authentication",2024-05-06 20:40:16 UTC,3/4,0,FATAL,28P01,"password authentication failed for user ""joe""","Role ""joe"" does not exist.",,,,,,,"","client backend",,0"#
    static let postgresJSON =
        #"{"timestamp":"2024-05-06 20:40:16.353 UTC","user":"joe","dbname":"app","pid":147,"remote_host":"192.0.2.7","remote_port":5432,"error_severity":"FATAL","state_code":"28000","message":"no pg_hba.conf entry for host \"192.0.2.7\", user \"joe\", database \"app\", no encryption","backend_type":"client backend"}"#
    static let vault =
        #"{"time":"2024-05-06T20:40:16.353Z","type":"response","auth":{"policy_results":{"allowed":true}},"request":{"id":"19073d8c","operation":"update","mount_type":"userpass","path":"auth/userpass/login/joe","data":{"password":"hmac-sha256:aa"},"remote_address":"192.0.2.7","remote_port":4242},"response":{"data":{"error":"hmac-sha256:bb"}}}"#
    static let cloudTrail =
        #"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA1","accountId":"1","userName":"joe"},"eventTime":"2024-05-06T20:40:16Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","userAgent":"Mozilla/5.0","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"},"eventID":"e1","eventType":"AwsConsoleSignIn","recipientAccountId":"1"}"#
    static let okta =
        #"{"actor":{"id":"00u1","type":"User","alternateId":"joe@a.example","displayName":"Joe"},"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0"},"ipAddress":"192.0.2.7","geographicalContext":{"country":"US"}},"outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"},"published":"2024-05-06T20:40:16.353Z","eventType":"user.session.start","uuid":"u1","transaction":{"id":"t1"},"target":null}"#

    static let all: [(line: String, format: LogFormat)] = [
        (caddy401, .caddy), (traefikJSON, .traefik), (traefik, .combined), (haproxy, .haproxy), (envoy, .envoy), (istio, .envoy),
        (envoyJSON, .envoy), (keycloak, .keycloak), (keycloakQuoted, .keycloak), (keycloakJSON, .keycloak), (authelia, .authelia),
        (autheliaJSON, .authelia), (authentik, .authentik), (grafanaOld, .grafana), (grafana, .grafana), (gitea, .gitea),
        (postgres, .postgreSQL), (postgresCSV, .postgreSQL), (postgresJSON, .postgreSQL), (vault, .vault), (cloudTrail, .cloudTrail),
        (okta, .okta), (ApacheErrorTests.old + "user joe not found: /x", .apacheError),
        (ApacheErrorTests.new + #"AH01617: user joe: authentication failure for "/x": Password Mismatch"#, .apacheError),
    ]
}
