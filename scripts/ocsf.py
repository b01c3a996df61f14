"""Has the schema of OCSF 1.8.0 judge events, one a line. Called by ocsf.sh with the path of the lines."""
import collections, json, sys
import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
classes = {
    0: "base_event", 2004: "detection_finding", 3001: "account_change", 3002: "authentication", 3003: "authorize_session", 3005: "user_access",
    4002: "http_activity", 6002: "application_lifecycle", 6003: "api_activity",
}
validators = {}
seen, types = collections.Counter(), set()
with open(sys.argv[1], encoding="utf-8") as lines:
    for number, line in enumerate(lines, 1):
        event = json.loads(line)
        uid = event["class_uid"]
        if uid not in validators:
            schema = schemas.get_class_schema(classes[uid])
            jsonschema.Draft202012Validator.check_schema(schema)
            validators[uid] = jsonschema.Draft202012Validator(schema)
        wrong = jsonschema.exceptions.best_match(validators[uid].iter_errors(event))
        if wrong is not None:
            raise SystemExit(f"ocsf: line {number}, {event['metadata']['event_code']}: {wrong.json_path}: {wrong.message}\n{line}")
        # What a schema of JSON cannot say.
        assert event["type_uid"] == uid * 100 + event["activity_id"], line
        assert event["activity_id"] != 99 or event["activity_name"] not in ("Unknown", ""), line
        seen[classes[uid]] += 1
        types.add(event["metadata"]["event_code"])
if not types:
    raise SystemExit("ocsf: there was no line")
print(f"ocsf: {sum(seen.values())} events of {len(types)} types hold: " + ", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
