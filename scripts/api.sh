#!/usr/bin/env bash
# The example API against its own OpenAPI document: schemathesis makes up requests, fitting and not, and checks every answer.
#
#   scripts/api.sh                    build, start a server of its own, check, clean up
#   scripts/api.sh --binary CARDEA    with a cardea that is built
#
# CARDEA_CONFORMANCE_SEED repeats a run, CARDEA_CONFORMANCE_SECONDS bounds it (default 60).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
source scripts/example.sh

version=4.32.5
seed=${CARDEA_CONFORMANCE_SEED:-9457}
seconds=${CARDEA_CONFORMANCE_SECONDS:-60}
choose_cardea "$@"
need_python "schemathesis-$version" "schemathesis==$version"

home=$(mktemp -d /tmp/cardea-api.XXXXXX)
export CARDEA_HOME=$home
unset CARDEA_DATABASE_URL
trap end_example EXIT

# Limits are not what is checked here, and thousands of sign-ins should not wait for their hashes.
export CARDEA_EXAMPLE_LIMITS_GENERAL=100000000 CARDEA_EXAMPLE_LIMITS_LOGIN=100000000 CARDEA_EXAMPLE_PASSWORD_COST=4 CARDEA_EXAMPLE_LOCKOUT=false
start_example >"$home/alerts.log"

echo "schemathesis $version, seed $seed, at most $seconds seconds, against $url"
status=0
(cd "$home" && timeout $((seconds + 120)) "$tools/bin/schemathesis" --config-file "$OLDPWD/scripts/api.toml" \
    run "$url/openapi.json" --checks all --seed "$seed" --max-time "$seconds" --max-response-time 5 --no-color) || status=$?
kill -0 "$up" 2>/dev/null || { echo "The server ended:" >&2; tail -n 20 "$home/up.log" >&2; status=1; }
[ $status -eq 0 ] || echo "To repeat it: CARDEA_CONFORMANCE_SEED=$seed scripts/api.sh" >&2
exit $status
