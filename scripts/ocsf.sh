#!/usr/bin/env bash
# Events as OCSF 1.8.0, before the schema: every type with every outcome, with bodies of all shapes and without.
#
#   scripts/ocsf.sh    build the tests, write the lines, judge them
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh

need_packages "${CARDEA_PACKAGES[@]}"
need_python ocsf-1 ocsf-json-schema==1.2.0 jsonschema==4.25.1
lines=$(mktemp /tmp/cardea-ocsf.XXXXXX)
trap 'rm -f "$lines"' EXIT
need_swift
swift build --build-tests
CARDEA_OCSF_LINES=$lines swift test --skip-build --filter '^ComplianceTests\.OCSFEventTests/lines' >/dev/null
"$tools/bin/python" scripts/ocsf.py "$lines"
