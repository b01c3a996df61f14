#!/usr/bin/env bash
# Sigma rules judged by Cardea and by pySigma's SQLite backend: three hundred made from a seed, over the same four hundred events.
#
# CARDEA_CONFORMANCE_SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
need_swift
need_packages "${CARDEA_PACKAGES[@]}"
swift build --build-tests

need_python pysigma-2.0.1 pysigma==2.0.1 pysigma-backend-sqlite==2.1.1
cases=$(mktemp -d /tmp/cardea-sigma.XXXXXX)
trap 'rm -rf "$cases"' EXIT
"$tools/bin/python" scripts/sigma_opinion.py make "$cases" "${CARDEA_CONFORMANCE_SEED:-9457}"
CARDEA_SIGMA_CASES=$cases swift test --skip-build --filter '^DetectionTests\.SecondOpinionTests' >"$cases/test.log" 2>&1 ||
    { tail -n 40 "$cases/test.log" >&2; exit 1; }
"$tools/bin/python" scripts/sigma_opinion.py judge "$cases"
