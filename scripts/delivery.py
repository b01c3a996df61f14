"""Runs the receivers, has Cardea tell them of an attack, and judges what arrived. Called by delivery.sh with the path of cardea."""
import contextlib, datetime, email, email.policy, http.server, json, os, re, shutil, signal, socket, socketserver, ssl, subprocess, sys
import tempfile, threading, time, urllib.request
import jsonschema
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from standardwebhooks.webhooks import Webhook

CARDEA = os.path.abspath(sys.argv[1])
HOME = tempfile.mkdtemp(prefix="cardea-delivery.", dir="/tmp")
os.chmod(HOME, 0o711)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENV = dict(os.environ, CARDEA_HOME=HOME + "/home", MAIL_PASSWORD="mail-password-5309", HOOK_SECRET=SECRET)
arrived = {"http": [], "mail": [], "udp": [], "tcp": [], "tls": []}
checks = 0


def check(what, holds, seen=""):
    global checks
    checks += 1
    if not holds:
        raise SystemExit(f"delivery: not so: {what} {seen}")
    print(f"  {what}")


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"delivery: it never came to this: {what}\n{ {k: len(v) for k, v in arrived.items()} }\n{cardea('deliveries', '--limit', '0')}")
        time.sleep(0.05)


def cardea(*words, status=0):
    done = subprocess.run([CARDEA, *words], env=ENV, capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise SystemExit(f"delivery: cardea {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def lines(*words):
    return [json.loads(line) for line in cardea(*words, "-o", "jsonl").splitlines()]


class Hooks(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        before = sum(1 for path, _, _ in arrived["http"] if path == self.path)
        # What Alertmanager tells of the test comes when it likes.
        if self.path != "/manager" or b'"tenant":"acme"' in body:
            arrived["http"].append((self.path, dict(self.headers), body))
        code = {"/fails": 503 if before < 1 else 200, "/moved": 307, "/gone": 410}.get(self.path, 200)
        if self.path == "/hangs":
            time.sleep(120)
        self.send_response(code)
        if code == 307:
            self.send_header("location", "/secret")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Framed(socketserver.StreamRequestHandler):
    """Octet counting, RFC 6587."""

    def handle(self):
        with contextlib.suppress(OSError, ValueError):
            stream = self.rfile
            while True:
                digits = b""
                while (c := stream.read(1)).isdigit():
                    digits += c
                if c != b" " or not digits:
                    return
                arrived[self.server.kind].append(stream.read(int(digits)))


def serve(server, kind=None):
    server.kind = kind
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        arrived["udp"].append(self.request[0])


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        arrived["mail"].append((session, envelope, server.ssl_context if hasattr(server, "ssl_context") else None))
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"cardea" and data.password == ENV["MAIL_PASSWORD"].encode())


class MailServer(Controller):
    def factory(self):
        return SMTP(self.handler, tls_context=TLS, require_starttls=True, auth_required=True, auth_require_tls=True, authenticator=authenticate)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", HOME + "/key.pem", "-out", HOME + "/cert.pem"], check=True, capture_output=True)
os.chmod(HOME + "/cert.pem", 0o644)
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain(HOME + "/cert.pem", HOME + "/key.pem")

processes = []
try:
    hooks = serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooks))
    udp = serve(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagrams), "udp")
    tcp = serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Framed), "tcp")
    secure = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Framed)
    secure.socket = TLS.wrap_socket(secure.socket, server_side=True)
    tls = serve(secure, "tls")
    mail = free_port()
    mailbox = MailServer(Mailbox(), hostname="127.0.0.1", port=mail)
    mailbox.start()
    manager = free_port()
    with open(HOME + "/alertmanager.yml", "w") as f:
        f.write(f"route: {{receiver: out, group_wait: 1s, group_interval: 1s, group_by: [alertname, client_ip]}}\nreceivers: [{{name: out, webhook_configs: [{{url: 'http://127.0.0.1:{hooks}/manager'}}]}}]\n")
    processes.append(subprocess.Popen(
        ["prometheus-alertmanager", f"--config.file={HOME}/alertmanager.yml", f"--storage.path={HOME}/alertmanager", f"--web.listen-address=127.0.0.1:{manager}",
         "--cluster.listen-address="], stdout=open(HOME + "/alertmanager.log", "w"), stderr=subprocess.STDOUT))

    def active():
        with urllib.request.urlopen(f"http://127.0.0.1:{manager}/api/v2/alerts?active=true", timeout=5) as answer:
            return [alert for alert in json.load(answer) if alert["labels"]["tenant"] == "acme"]

    def is_up():
        with contextlib.suppress(OSError):
            active()
            return True
    wait("Alertmanager answers", is_up)

    os.makedirs(HOME + "/home", mode=0o711)
    local = f"http://127.0.0.1:{hooks}"
    hook = lambda name, more="": f"    {name}: {{type: webhook, url: '{local}/{name}', allow_private: true{more}}}\n"
    with open(HOME + "/home/receivers.yml", "w") as f:
        f.write("receivers:\n" + hook("signed", ", secrets: [{env: HOOK_SECRET}]") + hook("ocsf", ", format: ocsf")
                + hook("fails") + hook("hangs") + hook("moved") + hook("gone") + f"""
    inside: {{type: webhook, url: 'https://localhost:{hooks}/secret'}}
    manager: {{type: alertmanager, url: 'http://127.0.0.1:{manager}', allow_private: true}}
    mail: {{type: email, host: localhost, port: {mail}, from: cardea@example.com, to: [ann@example.com, bob@example.com], user: cardea,
        password: {{env: MAIL_PASSWORD}}, ca: '{HOME}/cert.pem', wait: 1s, resolved: true, allow_private: true}}
    udp: {{type: syslog, host: 127.0.0.1, port: {udp}, transport: udp, allow_private: true}}
    tcp: {{type: syslog, host: 127.0.0.1, port: {tcp}, transport: tcp, format: json, allow_private: true}}
    tls: {{type: syslog, host: localhost, port: {tls}, transport: tls, format: ocsf, ca: '{HOME}/cert.pem', allow_private: true}}
routes:
    - {{receivers: [signed, ocsf, fails, hangs, moved, gone, inside, manager, mail, udp, tcp, tls], rules: [brute_force_address]}}
""")
    cardea("migrate")
    up = subprocess.Popen([CARDEA, "worker"], env=ENV, stdout=open(HOME + "/worker.log", "w"), stderr=subprocess.STDOUT)
    processes.append(up)

    print("cardea alerts test")
    for name in ["signed", "manager", "mail", "udp", "tcp", "tls"]:
        check(f"{name} takes a test", "took it" in cardea("alerts", "test", name))
    for name in ["moved", "gone", "inside"]:
        cardea("alerts", "test", name, status=1)
    check("nobody follows a redirect or asks the host itself", not [path for path, _, _ in arrived["http"] if path == "/secret"])
    for kind in arrived.values():
        kind.clear()

    print("an attack")
    now = datetime.datetime.now(datetime.timezone.utc)
    with open(HOME + "/auth.log", "w") as f:
        for number in range(40):
            at = (now - datetime.timedelta(seconds=90 - number)).strftime("%b %d %H:%M:%S")
            f.write(f"{at} web sshd[7]: Failed password for root from 203.0.113.{5 + number % 2} port 40{number:03} ssh2\n")
    cardea("import", HOME + "/auth.log")
    cardea("worker", "--until-idle")
    time.sleep(2)
    check("of an import nobody is told", not any(arrived.values()), arrived)
    cardea("import", "--deliver", "--tenant", "acme", HOME + "/auth.log")
    alerts = lambda: [a for a in lines("alerts", "list", "--tenant", "acme") if a["rule"] == "Brute force from one address"]
    wait("two alerts", lambda: len(alerts()) == 2)
    done = lambda name, state="delivered": [d for d in lines("deliveries", "list", "--receiver", name, "--limit", "0") if d["state"] == state]
    for name in ["signed", "ocsf", "fails", "manager", "mail", "udp", "tcp", "tls"]:
        wait(f"two deliveries to {name}", lambda: len(done(name)) == 2)
        check(f"{name} was told of both alerts", True)

    print("what arrived")
    signed = [(h, b) for path, h, b in arrived["http"] if path == "/signed"]
    for headers, body in signed:
        event = Webhook(SECRET).verify(body, headers)
        check("a signature that the library of Standard Webhooks accepts", event["type"] == "alert.firing" and event["data"]["tenant"] == "acme")
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0")).get_class_schema("detection_finding")
    findings = [json.loads(b) for path, _, b in arrived["http"] if path == "/ocsf"]
    findings += [json.loads(line.decode().split(" - firing - ", 1)[1]) for line in arrived["tls"]]
    for finding in findings:
        jsonschema.validate(finding, schema)
        check("a Detection Finding that the schema of OCSF 1.8.0 accepts", finding["class_uid"] == 2004)
    failed = [h["webhook-id"] for path, h, _ in arrived["http"] if path == "/fails"]
    check("what failed came again under the same id", len(failed) == 3 and len(set(failed)) == 2 or len(failed) == 4 and len(set(failed)) == 2, failed)
    check("the receiver that hangs has delayed nobody", not done("hangs"))
    check("the redirect is a failure that is tried again", len(done("moved", "pending")) == 2)
    check("410 disabled its receiver", [r["state"] for r in lines("alerts", "receivers") if r["name"] == "gone"] == ["disabled"] and len(done("gone", "dead")) == 2)
    check("an address of one's own network was not asked", len(done("inside", "dead")) == 2 and not [1 for path, _, _ in arrived["http"] if path == "/secret"])
    rfc5424 = re.compile(rb"<\d{1,3}>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [!-~]{1,255} cardea - [!-~]{1,32} - (.*)", re.S)
    for kind in ["udp", "tcp", "tls"]:
        for line in arrived[kind]:
            check(f"a syslog message by {kind}", rfc5424.fullmatch(line) is not None, line)
    check("CEF over UDP", all(b"CEF:0|Cardea|Cardea|" in line and b" src=203.0.113." in line for line in arrived["udp"]))
    check("one message of mail tells of both alerts", len(arrived["mail"]) == 1, len(arrived["mail"]))
    session, envelope, _ = arrived["mail"][0]
    message = email.message_from_bytes(envelope.content, policy=email.policy.strict)
    check("over TLS, with the password", session.ssl is not None and session.authenticated)
    check("to both people", envelope.rcpt_tos == ["ann@example.com", "bob@example.com"] and message["from"] == "Cardea <cardea@example.com>")
    check("as text", "203.0.113.5" in message.get_content() and "203.0.113.6" in message.get_content() and message["auto-submitted"] == "auto-generated")
    check("Alertmanager has both alerts", sorted(a["labels"]["client_ip"] for a in active()) == ["203.0.113.5", "203.0.113.6"])
    wait("Alertmanager tells of both", lambda: len([1 for path, _, _ in arrived["http"] if path == "/manager"]) >= 2)

    print("the end of one")
    first = [a["id"] for a in alerts() if a["group"]["client_ip"] == "203.0.113.5"][0]
    cardea("alerts", "resolve", first, "--as", "ann", "--reason", "blocked")
    wait("Alertmanager knows", lambda: [a["labels"]["client_ip"] for a in active()] == ["203.0.113.6"])
    told = lambda: [json.loads(b) for path, _, b in arrived["http"] if path == "/manager"]
    wait("Alertmanager tells of the end", lambda: any(t["status"] == "resolved" and t["alerts"][0]["labels"]["client_ip"] == "203.0.113.5" for t in told()))
    check("Alertmanager and those behind it know of the end", True)
    wait("the webhook knows", lambda: b'"alert.resolved"' in b"".join(b for path, _, b in arrived["http"] if path == "/signed"))
    wait("the mailbox knows", lambda: len(arrived["mail"]) == 2)
    check("so do webhook and mailbox", True)

    print("dead letters")
    dead = done("inside", "dead")
    check("they are on the record", len(lines("query", "--type", "audit_delivery_dead")) >= 2 and len(lines("query", "--type", "audit_receiver_disabled")) == 1)
    with open(HOME + "/home/receivers.yml") as f:
        text = f.read()
    with open(HOME + "/home/receivers.yml", "w") as f:
        f.write(text.replace(f"url: 'https://localhost:{hooks}/secret'", f"url: '{local}/now', allow_private: true"))
    wait("the worker has read the file", lambda: "loaded anew" in open(HOME + "/worker.log").read(), 20)
    cardea("deliveries", "replay", *[d["id"] for d in dead], "--as", "ann")
    wait("they are delivered", lambda: len(done("inside")) == 2)
    check("replayed ones arrive", len([1 for path, _, _ in arrived["http"] if path == "/now"]) == 2)

    print("the end")
    began = time.monotonic()
    up.send_signal(signal.SIGTERM)
    check("a worker with a hanging receiver ends cleanly", up.wait(timeout=30) == 0)
    print(f"delivery: {checks} checks hold; the worker ended in {time.monotonic() - began:.1f} s")
    log = open(HOME + "/worker.log").read()
    check("no log holds a secret", not any(s in log for s in [ENV["MAIL_PASSWORD"], SECRET]))
finally:
    for process in processes:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
    subprocess.run([CARDEA, "down"], env=ENV, capture_output=True, timeout=60)
    if sys.exc_info()[0] is None:
        shutil.rmtree(HOME, ignore_errors=True)
    else:
        print(f"logs: {HOME}", file=sys.stderr)
