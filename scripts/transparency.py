"""Lets others' verifiers judge Cardea's log, proofs and exports. Run by transparency.sh."""
import base64
import hashlib
import json
import os
import subprocess
import sys
import urllib.request

from tlog_scales.backend import make_backend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import InclusionProof

CARDEA, WORK = sys.argv[1:]
HOME = f"{WORK}/home"
ENVIRONMENT = {**os.environ, "CARDEA_HOME": HOME}
checks = 0


def check(what, holds, more=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"FAILED: {what} {more}")


def cardea(*arguments, status=0):
    result = subprocess.run([CARDEA, *arguments], env=ENVIRONMENT, capture_output=True)
    if result.returncode != status:
        sys.exit(f"cardea {' '.join(arguments)}: {result.returncode} {result.stderr.decode()}{result.stdout.decode()}")
    return result.stdout


def run(*arguments, status=0):
    result = subprocess.run(arguments, capture_output=True)
    check(" ".join(arguments)[:100], result.returncode == status, result.stderr.decode())
    return result.stdout


def go(*arguments, status=0):
    return run(f"{WORK}/verifier", *arguments, status=status)


def lines(first, count):
    with open(f"{WORK}/access.log", "w") as log:
        for n in range(first, first + count):
            log.write(f'192.0.2.{n % 250} - - [20/Nov/2026:10:{n // 60 % 60:02d}:{n % 60:02d} +0000] "GET /item/{n} HTTP/1.1" {200 if n % 7 else 404} 12 "-" "agent/{n}"\n')
    cardea("import", f"{WORK}/access.log")
    cardea("worker", "--until-idle", "--tiles", f"{WORK}/tiles")


lines(0, 300)
keys = json.loads(cardea("keys", "show", "-o", "json"))
vkey = keys[0]["vkey"]
with open(f"{WORK}/tiles/0/checkpoint", "rb") as early, open(f"{WORK}/early", "wb") as kept:
    kept.write(early.read())
lines(300, 500)

print("tiles and checkpoint, in a folder and over HTTP, by tlog-scales")
key = Vkey.from_string(vkey)
server = subprocess.Popen([CARDEA, "tiles", "serve", "--port", "0"], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
try:
    address = ""
    while "/SHARD/" not in address:
        address = server.stderr.readline()
        check("the server says where it is", address != "")
    base = address.split(" on ")[1].split("/SHARD/")[0]
    for place in [f"{WORK}/tiles/0", f"{base}/0"]:
        reader = TilesReader(make_backend(place))
        checkpoint = reader.get_checkpoint()
        checkpoint.verify(key)
        check("more than three tiles of leaves", checkpoint.size > 768, checkpoint.size)
        check("the root from the tiles", reader.calculate_root_hash() == checkpoint.root_hash)
        for index in [0, 1, 255, 256, 511, 512, checkpoint.size - 1]:
            leaf = reader.get_entry(index)
            proof = reader.get_inclusion_proof(index, checkpoint.size)
            proof.check(hashlib.sha256(b"\0" + leaf).digest(), checkpoint.root_hash)
            check("an entry is a header", json.loads(leaf)["v"] == 1)
        old = TilesReader(make_backend(f"{WORK}/tiles/0"))
        old.get_checkpoint()
    with urllib.request.urlopen(f"{base}/0/tile/0/000") as answer:
        check("a full tile never changes", "immutable" in answer.headers["cache-control"] and len(answer.read()) == 8192)
finally:
    server.terminate()
    server.wait()
from tlog_scales.tlog import Checkpoint

early = Checkpoint.from_text(open(f"{WORK}/early").read())
early.verify(key)
reader = TilesReader(make_backend(f"{WORK}/tiles/0"))
checkpoint = reader.get_checkpoint()
reader.get_consistency_proof(early.size, checkpoint.size).check(early.root_hash, checkpoint.root_hash)

print("a proof that stands by itself, by tlog-scales and Go")
event = json.loads(cardea("query", "status:404", "--limit", "1", "-o", "json"))[0]
cardea("prove", event["id"], "--out", f"{WORK}/event.tlog-proof")
head, note = open(f"{WORK}/event.tlog-proof").read().split("\n\n", 1)
fields = head.split("\n")
leaf = base64.b64decode(fields[1].removeprefix("extra "))
check("the leaf is the event's", json.loads(leaf)["id"] == event["id"])
proved = Checkpoint.from_text(note)
proved.verify(key)
InclusionProof(int(fields[2].removeprefix("index ")), proved.size, [base64.b64decode(line) for line in fields[3:]]).check(
    hashlib.sha256(b"\0" + leaf).digest(), proved.root_hash)
go("inclusion", vkey, f"{WORK}/event.tlog-proof")
with open(f"{WORK}/other.tlog-proof", "w") as other:
    other.write(head.replace(fields[1], "extra " + base64.b64encode(leaf.replace(b"404", b"200")).decode()) + "\n\n" + note)
go("inclusion", vkey, f"{WORK}/other.tlog-proof", status=1)
cardea("verify", f"{WORK}/event.tlog-proof", "--vkey", vkey)
cardea("verify", f"{WORK}/other.tlog-proof", "--vkey", vkey, status=1)

print("an export: notes, consistency and signatures by Go and openssl, leaves by hand")
package = f"{WORK}/package"
cardea("export", "status:404", "--held", f"{WORK}/early", "--out", package)
cardea("verify", package, "--vkey", vkey, "--since", f"{WORK}/early")
manifest = open(f"{package}/manifest.json", "rb").read()
text = go("note", vkey, f"{package}/manifest.note").decode()
check("the manifest's note", text == f"{keys[0]['origin']}/export/v1\n{base64.b64encode(hashlib.sha256(manifest).digest()).decode()}\n", text)
go("consistency", vkey, f"{WORK}/early", f"{package}/proof/0/checkpoint.end", f"{package}/proof/0/consistency.{early.size}")
public = base64.b64decode(vkey.split("+", 2)[2])[1:]
with open(f"{WORK}/key.der", "wb") as out:
    out.write(bytes.fromhex("302a300506032b6570032100") + public)
for path in ["manifest.note", "proof/0/checkpoint.end"]:
    body, signatures = open(f"{package}/{path}", newline="").read().split("\n\n")
    with open(f"{WORK}/text", "w", newline="") as out:
        out.write(body + "\n")
    with open(f"{WORK}/signature", "wb") as out:
        out.write(base64.b64decode(signatures.split()[2])[4:])
    run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{WORK}/key.der", "-keyform", "DER", "-rawin", "-in", f"{WORK}/text", "-sigfile", f"{WORK}/signature")
extra = {"body", "disclosed", "index", "match", "salt", "shard", "withheld"}
matches = 0


def subtree(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + subtree(hashes[:split]) + subtree(hashes[split:])).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


leaves = []
for line in open(f"{package}/events.jsonl", newline="").read().splitlines():
    event = json.loads(line)
    leaves.append(hashlib.sha256(b"\0" + canonical({k: v for k, v in event.items() if k not in extra})).digest())
    if "body" in event:
        matches += 1
        check("a body's hash", hashlib.sha256(bytes.fromhex(event["salt"]) + canonical(event["body"])).hexdigest() == event["body_hash"])
check("all that match are shown", matches == len([n for n in range(800) if n % 7 == 0]), matches)
end = Checkpoint.from_text(open(f"{package}/proof/0/checkpoint.end").read())
check("the root of the leaves shown", len(leaves) == end.size and subtree(leaves) == end.root_hash)
print(f"{checks} checks hold")
