#!/usr/bin/env bash
# Requests a second and CPU time a request of one route: bare, behind the full stack with every event stored, and behind the same in FastAPI.
#
#   Benchmarks/middleware/run.sh [ROUNDS] [SECONDS]      3 rounds of 10 seconds by default; medians are printed
#
# wrk, the server and PostgreSQL share this machine. FASTAPI=no leaves FastAPI out. CARDEA names another binary than the release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/prerequisites.sh

rounds=${1:-3}
seconds=${2:-10}
need_packages "${CARDEA_PACKAGES[@]}" wrk
if [ -z "${CARDEA:-}" ]; then
    need_swift
    echo "Building the release (the first time takes some minutes) …" >&2
    swift build -c release --product cardea >&2
    CARDEA="$(swift build -c release --show-bin-path)/cardea"
fi

work=$(mktemp -d /tmp/cardea-bench.XXXXXX)
chmod 755 "$work"
if [ -z "${CARDEA_DATABASE_URL:-}" ]; then export CARDEA_HOME=$work/home; fi
server=
finish() {
    [ -n "$server" ] && kill -TERM "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
    [ -n "${CARDEA_HOME:-}" ] && "$CARDEA" down 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# CPU time of a process and its children so far, in microseconds.
cpu() {
    local pid sum=0 tick
    tick=$(getconf CLK_TCK)
    for pid in "$1" $(pgrep -P "$1" || true); do
        sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat")))
    done
    echo $((sum * 1000000 / tick))
}

# load NAME PORT TOKEN: one measurement into $work/NAME, as "requests/s  CPU µs a request".
load() {
    local name=$1 url="http://127.0.0.1:$2/books/42" token=$3 before after requests rate errors
    wrk -t 1 -c 32 -d 2 -H "authorization: Bearer $token" "$url" >"$work/warm"
    warm=$(awk '/requests in/ { print $1 }' "$work/warm")
    before=$(cpu "$server")
    wrk -t 1 -c 32 -d "$seconds" -H "authorization: Bearer $token" "$url" >"$work/wrk"
    after=$(cpu "$server")
    errors=$(awk '/Non-2xx/ { print $NF }' "$work/wrk")
    [ -z "$errors" ] || { echo "$name: $errors requests failed" >&2; exit 1; }
    requests=$(awk '/requests in/ { print $1 }' "$work/wrk")
    rate=$(awk '/Requests\/sec/ { print $2 }' "$work/wrk")
    answered=$((warm + requests))
    awk -v r="$rate" -v c=$((after - before)) -v n="$requests" 'BEGIN { printf "%.0f %.1f\n", r, c / n }' >>"$work/$name"
    printf '%-8s %s\n' "$name" "$(tail -n 1 "$work/$name" | awk '{ print $1 " requests/s, " $2 " µs CPU a request" }')"
}

# serve STACK: starts the server and loads it.
swift_round() {
    "$CARDEA" bench serve --stack "$1" >"$work/out" &
    server=$!
    for _ in $(seq 300); do grep -q '^listening' "$work/out" && break; sleep 0.1; done
    read -r _ port token <"$work/out"
    load "$1" "$port" "$token"
    kill -TERM "$server"
    wait "$server" || true
    server=
    if [ "$1" = full ]; then
        stored=$(awk '/^stored/ { print $2 }' "$work/out")
        # wrk does not count what was answered after its end.
        echo "         $answered requests counted by wrk, $stored events stored"
        [ "$stored" -ge "$answered" ] && [ "$stored" -le $((answered + 64)) ] || { echo "events are missing or doubled" >&2; exit 1; }
    fi
    echo "$token" >"$work/token"
}

fastapi_round() {
    DATABASE_URL=$database "$tools/bin/uvicorn" --app-dir Benchmarks/middleware fastapi_app:app --port 8399 --log-level warning --no-access-log \
        --workers "${FASTAPI_WORKERS:-1}" &
    server=$!
    for _ in $(seq 300); do curl --silent --output /dev/null http://127.0.0.1:8399/ && break; sleep 0.1; done
    load fastapi 8399 "$(cat "$work/token")"
    kill -TERM "$server"
    wait "$server" || true
    server=
}

if [ "${FASTAPI:-yes}" = yes ]; then
    need_python fastapi fastapi uvicorn pyjwt slowapi asyncpg
    "$CARDEA" migrate >/dev/null
    database=${CARDEA_DATABASE_URL:-$("$CARDEA" doctor -o json | sed -n 's/.*"database_url": *"\([^"]*\)".*/\1/p')}
fi

for round in $(seq "$rounds"); do
    swift_round bare
    swift_round full
    if [ "${FASTAPI:-yes}" = yes ]; then fastapi_round; fi
done

median() { awk -v k="$2" '{ print $k }' "$work/$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
echo
awk -v b="$(median bare 1)" -v f="$(median full 1)" -v bc="$(median bare 2)" -v fc="$(median full 2)" \
    'BEGIN { printf "medians: bare %d requests/s, full %d: %.2f of bare; CPU a request %.1f and %.1f µs: %.2f times\n", b, f, f / b, bc, fc, fc / bc }'
if [ -f "$work/fastapi" ]; then
    awk -v f="$(median full 1)" -v p="$(median fastapi 1)" 'BEGIN { printf "FastAPI %d requests/s: %.1f times as many here\n", p, f / p }'
fi
