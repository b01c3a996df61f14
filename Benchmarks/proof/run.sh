#!/usr/bin/env bash
# Proof: what append keeps with the tree beside it; then an imported access log, and over it the hashing, `verify log`, an export beside psql's COPY of the
# same rows, its verification, and first pages of filtered queries, with wall time and peak memory.
#
#   Benchmarks/proof/run.sh [EVENTS]      1,000,000 by default
#
# CARDEA names another binary than the release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/prerequisites.sh

events=${1:-1000000}
need_packages "${CARDEA_PACKAGES[@]}" time
if [ -z "${CARDEA:-}" ]; then
    need_swift
    echo "Building the release (the first time takes some minutes) …" >&2
    swift build -c release --product cardea >&2
    CARDEA="$(swift build -c release --show-bin-path)/cardea"
fi
work=$(mktemp -d /tmp/cardea-proof.XXXXXX)
chmod 755 "$work"
export CARDEA_HOME=$work/home
unset CARDEA_DATABASE_URL
trap '"$CARDEA" down 2>/dev/null || true; rm -rf "$work"' EXIT
timed() { /usr/bin/time -f "   %e s wall, %U s CPU of its own, %M KB at most" "$@"; }

echo "== append alone, and with the tree beside it"
"$CARDEA" bench append --hashed --rows 200000 --rounds 3

echo "== $events events"
awk -v n="$events" 'BEGIN {
    for (i = 0; i < n; i++)
        printf "192.0.%d.%d - user%d [%02d/Nov/2026:%02d:%02d:%02d +0000] \"GET /item/%d HTTP/1.1\" %d %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64) agent/%d\"\n",
            i % 200, i % 251, i % 1000, 1 + int(i / 43200) % 20, int(i / 3600) % 24, int(i / 60) % 60, i % 60, i, i % 97 ? 200 : 404, i % 9000, i % 40
}' >"$work/access.log"
timed "$CARDEA" import "$work/access.log" 2>&1 | tail -2
echo "== hashed and signed, and the proof of one event"
id=$("$CARDEA" query --limit 1 -o jsonl 2>/dev/null | sed 's/.*"id":"\([0-9a-f-]*\)".*/\1/')
timed "$CARDEA" prove "$id" --out "$work/event.tlog-proof"
echo "== verify log"
timed "$CARDEA" verify log
key=$("$CARDEA" keys show -o jsonl | sed 's/.*"vkey":"\([^"]*\)".*/\1/' | head -1)
echo "== export of everything, beside psql's COPY TO of the same rows"
timed "$CARDEA" export --out "$work/package"
du -sb "$work/package" | awk '{ print "   " $1 " bytes" }'
url=$({ "$CARDEA" doctor -o json || true; } | sed 's/.*"database_url":"\([^"]*\)".*/\1/')
timed psql -q "$url" -c "\\copy (select * from audit.event) to '$work/rows'"
wc -c <"$work/rows" | awk '{ print "   " $1 " bytes" }'
echo "== verify the package"
timed "$CARDEA" verify "$work/package" --vkey "$key"
echo "== first pages of 50, in milliseconds: the fastest, the median and the slowest of 40 of each, as processes"
for query in "status:404" "actor:user77" "ip:192.0.7.7" "actor:nobody" "type:authn_*" "path:*99999*"; do
    for _ in $(seq 40); do
        begin=$(date +%s%N)
        "$CARDEA" query "$query" --limit 50 -o jsonl >/dev/null 2>&1
        echo $((($(date +%s%N) - begin) / 1000000))
    done | sort -n | awk -v q="$query" '{ t[NR] = $1 } END { printf "   %-16s %d %d %d\n", q, t[1], t[int((NR + 1) / 2)], t[NR] }'
done
