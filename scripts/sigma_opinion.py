"""A second opinion on Sigma: rules and events are made from a seed, and pySigma's SQLite backend is asked which match.

    sigma_opinion.py make FOLDER SEED     writes FOLDER/rules/*.yml and FOLDER/events.json
    sigma_opinion.py judge FOLDER         compares FOLDER/cardea.txt, written by the test, with SQLite's answers
"""
import json
import pathlib
import random
import re
import sqlite3
import sys

FIELDS = ["path", "user_agent", "reason", "target", "method"]
ADDRESSES = ["192.0.2.%d" % n for n in (1, 2, 77, 200)] + ["10.%d.0.9" % n for n in (0, 1, 31, 128)] + ["172.16.5.4", "198.51.100.99"]
NETWORKS = ["192.0.2.0/24", "10.0.0.0/8", "10.0.0.0/12", "172.16.0.0/12", "192.0.2.64/26", "198.51.100.99/32", "0.0.0.0/0", "10.128.0.0/9"]
WORDS = ["admin", "login", "etc", "passwd", "select", "union", "script", "curl", "bot", "wp", "git", "env", "x", "cmd", "shell", "a-b"]
JOINTS = ["/", "-", " ", ".", "_", "%", "\\", "+", ""]


def text(draw):
    return draw.choice(JOINTS) + "".join(draw.choice(WORDS) + draw.choice(JOINTS) for _ in range(draw.randint(1, 4)))


def cased(draw, word):
    return draw.choice([str, str.upper, str.title])(word)


def escaped(word):
    return re.sub(r"([\\*?])", r"\\\1", word)


def value(draw):
    word = escaped(cased(draw, draw.choice(WORDS + [draw.choice(JOINTS) + draw.choice(WORDS)])))
    return draw.choice([word, word, word + "*", "*" + word, word.replace("m", "?", 1), word + "*" + draw.choice(WORDS)])


def test(draw):
    field = draw.choice(FIELDS)
    kind = draw.choice(["", "contains", "startswith", "endswith", "contains|all", "re", "exists", "status", "compare", "cased", "list", "null", "cidr", "windash", "address", "neq"])
    if kind == "re":
        return {field + "|re": draw.choice(WORDS) + draw.choice([".*", "[/.-]", "+", "(a|b)?", ""]) + draw.choice(WORDS)}
    if kind == "exists":
        return {field + "|exists": draw.random() < 0.5}
    if kind == "status":
        return {"status": draw.choice([200, 302, 404, 500])}
    if kind == "compare":
        return {"status|" + draw.choice(["gt", "gte", "lt", "lte"]): draw.choice([200, 302, 404, 500])}
    if kind == "cased":
        return {field + "|contains|cased": escaped(cased(draw, draw.choice(WORDS)))}
    if kind == "cidr":
        return {"client_ip|cidr": draw.choice([draw.choice(NETWORKS), draw.sample(NETWORKS, 2)])}
    if kind == "address":
        return {"client_ip": draw.choice([draw.choice(ADDRESSES), draw.sample(ADDRESSES, 3), None])}
    if kind == "windash":
        return {field + "|windash|" + draw.choice(["contains", "endswith"]): [draw.choice(["-", " -", "/", " /"]) + draw.choice(WORDS) for _ in range(2)]}
    if kind == "neq":
        return {field + "|neq": "*" + value(draw)}
    if kind == "null":
        return {field: None}
    if kind == "contains|all":
        return {field + "|contains|all": [value(draw), value(draw)]}
    name = field if kind in ("", "list") else field + "|" + kind
    if kind == "":
        return {name: "*" + value(draw)}
    return {name: [value(draw) for _ in range(draw.randint(1, 5))]}


def selection(draw):
    if draw.random() < 0.2:
        return [test(draw) for _ in range(draw.randint(2, 3))]
    joined = {}
    for _ in range(draw.randint(1, 2)):
        joined.update(test(draw))
    return joined


CONDITIONS = ["sel1", "sel1 and sel2", "sel1 or sel2", "sel1 and not sel2", "1 of sel*", "all of sel*", "1 of them", "all of them",
              "not sel1 and (sel2 or sel3)", "sel1 or sel2 and sel3", "not (sel1 or sel2) and not sel3", "sel1 and not 1 of sel2*"]


def make(folder, seed):
    draw = random.Random(seed)
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for number in range(300):
        condition = CONDITIONS[number % len(CONDITIONS)]
        detection = {"sel%d" % place: selection(draw) for place in (1, 2, 3)}
        if "*" not in condition and "them" not in condition:
            detection = {name: part for name, part in detection.items() if name in condition}
        detection["condition"] = condition
        rule = {"title": "Rule %d" % number, "id": "00000000-0000-4000-8000-%012d" % number, "logsource": {"product": "cardea"},
                "detection": detection}
        (rules / ("%03d.yml" % number)).write_text(json.dumps(rule, indent=1))
    events = []
    for _ in range(400):
        event = {field: cased(draw, text(draw)) for field in FIELDS if draw.random() < 0.85}
        if draw.random() < 0.85:
            event["client_ip"] = draw.choice(ADDRESSES)
        event["status"] = str(draw.choice([200, 301, 302, 404, 500]))
        events.append(event)
    (folder / "events.json").write_text(json.dumps(events))


def judge(folder):
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    class Backend(sqliteBackend):
        """SQL's comparisons know neither true nor false of a missing field; Sigma's are false."""

    def known(method):
        def convert(self, *arguments):
            query = method(self, *arguments)
            return "ifnull((%s), 0)" % query if isinstance(query, str) else query
        return convert

    for name in ["convert_condition_field_eq_val", "convert_condition_as_in_expression"]:
        setattr(Backend, name, known(getattr(sqliteBackend, name)))

    database = sqlite3.connect(":memory:")
    database.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, str(text)) is not None)
    database.execute("create table logs (number integer, status integer, %s)" % ", ".join(field + " text collate nocase" for field in FIELDS + ["client_ip"]))  # Sigma compares without regard to case
    for number, event in enumerate(json.loads((folder / "events.json").read_text())):
        database.execute("insert into logs values (%s)" % ", ".join("?" * (3 + len(FIELDS))),
                         [number, int(event["status"])] + [event.get(field) for field in FIELDS + ["client_ip"]])
    ours = set((folder / "cardea.txt").read_text().splitlines())
    judged, differing, refused, matches = 0, 0, 0, 0
    for path in sorted((folder / "rules").glob("*.yml")):
        identity = json.loads(path.read_text())["id"]
        try:
            query = Backend().convert(SigmaCollection.from_yaml(path.read_text()))[0]
            theirs = {"%s %s" % (identity, row[0]) for row in database.execute(query)}
        except Exception as error:
            refused += 1
            print("%s: pySigma cannot judge it: %s" % (path.name, error))
            continue
        judged += 1
        matches += len(theirs)
        mine = {line for line in ours if line.startswith(identity)}
        if mine != theirs:
            differing += 1
            print("%s: only ours %s, only pySigma's %s\n  %s" % (path.name, sorted(x[37:] for x in mine - theirs)[:5],
                                                            sorted(x[37:] for x in theirs - mine)[:5], query))
    print("%d rules judged by both over the same events, %d matches, %d differ, %d not judged by pySigma" %
          (judged, matches, differing, refused))
    return 0 if differing == 0 and judged >= 200 else 1


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[2])
    sys.exit(make(place, int(sys.argv[3])) if sys.argv[1] == "make" else judge(place))
