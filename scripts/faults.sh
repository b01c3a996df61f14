#!/bin/bash
# Kills workers and the database under load, then checks that nothing was lost, doubled or folded wrongly.
#
#   scripts/faults.sh [--short] [--seed N] [--binary PATH]
#
# Full: 50 kills of a worker, 10 of PostgreSQL, 60 s without it; at most 10 minutes. --short: 6, 2 and 10 s; at most 90 s.
# The points are drawn from the seed, which is printed. Needs the binary built and psql.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

seed=$RANDOM
kills=50 crashes=10 outage=60 rate=300 limit=600
binary=.build/debug/cardea
while [ $# -gt 0 ]; do
    case $1 in
    --short) kills=6 crashes=2 outage=10 limit=90 ;;
    --seed) seed=${2:?--seed needs a number}; shift ;;
    --binary) binary=${2:?--binary needs a path}; shift ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done
[ -x "$binary" ] || { echo "faults: $binary is not built; run swift build" >&2; exit 1; }
for tool in psql timeout; do
    command -v $tool >/dev/null || { echo "faults: $tool is missing" >&2; exit 1; }
done

echo "faults: seed $seed, $kills workers and $crashes servers killed, $outage s without a server" >&2
RANDOM=$seed
home=$(mktemp -d /tmp/cardea-faults.XXXXXX)
export CARDEA_HOME=$home CARDEA_LOG_LEVEL=critical
unset CARDEA_DATABASE_URL
worker='' load='' watchdog=''
started=$SECONDS

finish() {
    status=$?
    trap - EXIT INT TERM
    for process in $worker $load; do kill -9 "$process" 2>/dev/null; done
    kill "$watchdog" 2>/dev/null
    wait 2>/dev/null
    timeout 20 "$binary" down >/dev/null 2>&1
    if [ $status -eq 0 ]; then rm -rf "$home"; else echo "faults: FAILED with seed $seed; what is left lies in $home" >&2; fi
    exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM
# Whatever hangs, it ends in time.
(
    trap 'kill $!; exit' TERM
    sleep $limit &>/dev/null &
    wait
    echo "faults: longer than $limit s" >&2
    kill -TERM $$
) &
watchdog=$!

say() { echo "faults: $((SECONDS - started)) s: $*" >&2; }
# Milliseconds from $1 to $2, in seconds.
between() { printf '%d.%03d' $((($1 + RANDOM % ($2 - $1)) / 1000)) $((($1 + RANDOM % ($2 - $1)) % 1000)); }

"$binary" migrate --shards 4 >/dev/null || exit 1
# An idle URL would do as well; doctor gives it as libpq takes it.
url=$("$binary" doctor -o json | sed -n 's/.*"database_url" *: *"\([^"]*\)".*/\1/p' | head -1)
[ -n "$url" ] || { echo "faults: doctor names no database" >&2; exit 1; }

start_worker() { "$binary" worker >/dev/null 2>>"$home/worker.log" & worker=$!; }
end_worker() { kill -9 $worker 2>/dev/null; wait $worker 2>/dev/null; worker=''; }
# What ten seconds do: the dead worker's leases run out. So that each kill meets a worker that works.
expire() { psql -qX "$url" -c "update audit.lease set expires_at = '-infinity'" >/dev/null 2>&1; }
server() { head -1 "$(find "$home" -name postmaster.pid 2>/dev/null | head -1)" 2>/dev/null; }
# Any command starts the private cluster.
revive() { timeout 60 "$binary" query --count >/dev/null || { say "the server does not come back"; exit 1; }; }

# As long as the faults take, with some to spare; what is not needed is not waited for.
events=$((rate * (kills * 2 + crashes * 6 + outage + 5)))
[ $limit -le 90 ] && events=$((rate * 40))
"$binary" bench load --events $events --rate $rate --seed $seed --acknowledged "$home/acknowledged" 2>"$home/load.log" & load=$!
say "load of $events events"

every=$((kills / crashes))
for ((kill = 1; kill <= kills; kill++)); do
    start_worker
    sleep "$(between 300 1500)"
    if [ $((kill % every)) -eq 0 ] && [ $((kill / every)) -le $crashes ]; then
        group=$(server)
        # The postmaster first, then whoever is left of its group.
        [[ $group =~ ^[0-9]{2,}$ ]] || { say "no server to kill"; exit 1; }
        kill -9 "$group" 2>/dev/null
        [ $((RANDOM % 2)) -eq 0 ] && kill -9 -- "-$group" 2>/dev/null
        say "server $group killed"
        sleep "$(between 100 1000)"
        revive
        sleep "$(between 300 1500)"
    fi
    end_worker
    expire
done
say "$kills workers killed"

start_worker
timeout 30 "$binary" down 2>/dev/null
say "server stopped for $outage s"
sleep $outage
acknowledged=$(wc -l <"$home/acknowledged")
revive
say "server back; $acknowledged events acknowledged so far"

wait $load || { load=''; cat "$home/load.log" >&2; say "the load failed"; exit 1; }
load=''
tail -1 "$home/load.log" >&2
[ "$(wc -l <"$home/acknowledged")" -eq "$events" ] || { say "not all events were acknowledged"; exit 1; }
end_worker
expire
"$binary" bench check "$home/acknowledged" || exit 1
"$binary" worker --until-idle 2>>"$home/worker.log" || { say "the worker could not finish"; exit 1; }
"$binary" verify log 2>"$home/verify.log" || { cat "$home/verify.log" >&2; say "the record is not what was sealed"; exit 1; }
grep leaves "$home/verify.log" >&2
say "all is right; seed $seed"
