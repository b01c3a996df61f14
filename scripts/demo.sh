#!/usr/bin/env bash
# A small API behind Cardea's middleware, honest users, five attacks over real HTTP, and the alerts as they fire.
#
#   scripts/demo.sh          show it, then clean up
#   scripts/demo.sh --keep   leave it running afterwards
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
source scripts/example.sh

keep=false
case "${1:-}" in
    "") ;;
    --keep) keep=true ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

need_swift
need_packages "${CARDEA_PACKAGES[@]}"
echo "Building (the first time takes some minutes) …"
swift build --product cardea 2>&1 | grep -E 'error|Compiling|Build of' | tail -n 1 || true
cardea="$(swift build --show-bin-path)/cardea"

home=$(mktemp -d /tmp/cardea-demo.XXXXXX)
export CARDEA_HOME=$home
unset CARDEA_DATABASE_URL
finish() {
    local status=$?
    if $keep && [ $status -eq 0 ]; then return; fi
    end_example
}
trap finish EXIT

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then step() { printf '\n%s\n' "$*"; }; fi

step "Starting cardea up --example: a private PostgreSQL, the worker, and an API to attack"
start_example
cat "$home/up.log"

# Every client has an address of its own in 127.0.0.0/8.
as() { local address=$1; shift; curl --silent --interface "$address" --max-time 10 "$@"; }
login() { # ADDRESS USER PASSWORD AGENT [CURL'S OPTIONS]
    as "$1" -A "$4" "${@:5}" -H 'content-type: application/json' -d "{\"username\":\"$2\",\"password\":\"$3\"}" "$url/login"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
status=(-o /dev/null -w '%{http_code}\n')
codes() { sort | uniq -c | awk '{ printf "  %s × %s\n", $1, $2 }'; }

step "Honest users read books"
for user in alice bob carol; do
    address=127.0.1.$((RANDOM % 200 + 10))
    token=$(login "$address" "$user" "$user-demo-password" "Mozilla/5.0 (demo browser)" | field access_token)
    for path in me books books/1 books/2; do
        as "$address" "${status[@]}" -A "Mozilla/5.0 (demo browser)" -H "authorization: Bearer $token" "$url/$path"
    done
done | codes

step "Brute force: 12 passwords for alice from 127.0.0.66 (after 3 she is locked for 15 minutes, and nobody judges the others)"
for try in $(seq 12); do login 127.0.0.66 alice "guess-$try" "hydra" "${status[@]}"; done | codes

step "Password spray: one password for 8 accounts from 127.0.0.77"
for user in alice bob carol dave erin frank grace heidi; do login 127.0.0.77 "$user" "Winter2026!" "spray/1.0" "${status[@]}"; done | codes

step "A stolen token: bob signs in at 127.0.0.21, somebody at 127.0.0.88 uses his token, also after bob has signed out"
token=$(login 127.0.0.21 bob bob-demo-password "Mozilla/5.0 (bob)" | field access_token)
for request in "127.0.0.21 me" "127.0.0.88 me" "127.0.0.88 books"; do
    set -- $request
    as "$1" "${status[@]}" -A "$([ "$1" = 127.0.0.21 ] && echo 'Mozilla/5.0 (bob)' || echo python-requests/2.31)" \
        -H "authorization: Bearer $token" "$url/$2"
done | codes
as 127.0.0.21 -X POST -A "Mozilla/5.0 (bob)" -H "authorization: Bearer $token" "$url/logout" -o /dev/null
as 127.0.0.88 "${status[@]}" -A "python-requests/2.31" -H "authorization: Bearer $token" "$url/me" | codes

step "A burst: 40 sign-ins within seconds from 127.0.0.99, of which 30 a minute are allowed"
for try in $(seq 40); do
    as 127.0.0.99 "${status[@]}" -A "burst/1.0" -H 'content-type: application/json' \
        -d '{"username":"nobody","password":"x"}' "$url/login"
done | codes

step "A scan: paths that are not there, from 127.0.0.111"
for path in .env .git/config wp-login.php admin.php phpmyadmin/ server-status backup.zip config.json api/v1/users actuator/env console .aws/credentials \
    login.php cgi-bin/test.cgi solr/admin; do
    as 127.0.0.111 "${status[@]}" -A "nikto" "$url/$path"
done | codes

step "What it adds up to"
for _ in $(seq 50); do # the worker is a moment behind
    "$cardea" projections list -o csv | awk -F, 'NR > 1 && $8 != 0 { exit 1 }' && break
    sleep 0.2
done
"$cardea" alerts list
echo
"$cardea" views failed_login --limit 5
echo
"$cardea" views suspicious_token --limit 5
echo
"$cardea" views rate_limit_violation --limit 5

step "To look further"
$keep || echo "(with scripts/demo.sh --keep, which leaves it running)"
cat <<EOF
  export CARDEA_HOME=$home
  $cardea query --type 'authn_*' --ip 127.0.0.66
  $cardea alerts show $("$cardea" alerts list -o csv | sed -n '2s/,.*//p')
  $cardea views session
  $cardea tail -f
EOF
if $keep; then
    echo "It runs as process $up. To end it: kill $up; $cardea down; rm -rf $home"
    disown "$up"
fi
