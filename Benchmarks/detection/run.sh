#!/usr/bin/env bash
# Detection: events a second through the rules, a million addresses, from commit to alert; then the same sshd lines through Cardea, fail2ban-regex
# and CrowdSec, with wall time, CPU time and peak memory.
#
#   Benchmarks/detection/run.sh [LINES]      100,000 lines by default
#
# fail2ban and CrowdSec are Debian's packages, unpacked into a folder that is deleted, not installed: nothing is started, enabled or registered,
# and CrowdSec works with the hub that the package brings. Each stops after LIMIT seconds (500). OTHERS=no leaves them out. CARDEA names another
# binary than the release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/prerequisites.sh

lines=${1:-100000}
limit=${LIMIT:-500}
need_packages "${CARDEA_PACKAGES[@]}" time
if [ -z "${CARDEA:-}" ]; then
    need_swift
    echo "Building the release (the first time takes some minutes) …" >&2
    swift build -c release --product cardea >&2
    CARDEA="$(swift build -c release --show-bin-path)/cardea"
fi

work=$(mktemp -d /tmp/cardea-bench.XXXXXX)
chmod 755 "$work"
if [ -z "${CARDEA_DATABASE_URL:-}" ]; then export CARDEA_HOME=$work/home; fi
finish() {
    [ -n "${CARDEA_HOME:-}" ] && "$CARDEA" down 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

failed=0
# bench NAME: one that misses its mark says so and does not keep the others from running.
bench() {
    printf '\n== cardea bench %s\n' "$*"
    "$CARDEA" bench "$@" || failed=1
}

# CPU time of PostgreSQL's backends that have ended, in seconds; 0 where the server is not the private one.
backends() {
    local file
    file=$(find "${CARDEA_HOME:-/nonexistent}" -name postmaster.pid 2>/dev/null | head -n 1)
    [ -n "$file" ] || { echo 0; return; }
    awk -v tick="$(getconf CLK_TCK)" '{ printf "%.1f\n", ($16 + $17) / tick }' "/proc/$(head -n 1 "$file")/stat"
}

# measured NAME COMMAND…: its output into $work/NAME, and a line about what it took. 124 is the limit.
measured() {
    local name=$1 status=0
    shift
    command time -f '%e %U %S %M' -o "$work/$name.time" timeout "$limit" "$@" >"$work/$name" 2>&1 || status=$?
    tail -n 1 "$work/$name.time" | awk -v n="$name" -v s="$status" -v l="$limit" '{
        printf "%-14s %7.1f s wall, %7.1f s CPU, %5d MB peak%s\n", n, $1, $2 + $3, $4 / 1024,
            s == 0 ? "" : s == 124 ? ", not finished after " l " s" : ", status " s }'
    return "$status"
}

bench detect
bench keys
bench alerts

printf '\n== %s sshd lines\n' "$lines"
before=$(backends)
measured cardea "$CARDEA" bench pipeline --lines "$lines" --keep "$work/auth.log" || { cat "$work/cardea" >&2; exit 1; }
awk -v b="$before" -v a="$(backends)" 'BEGIN { if (a > 0) printf "               and %.1f s of CPU in PostgreSQL\x27s backends\n", a - b }'
sed 's/^/    /' "$work/cardea"

if [ "${OTHERS:-yes}" = yes ]; then
    (cd "$work" && apt-get -qq download fail2ban crowdsec 2>/dev/null) || {
        echo "fail2ban and crowdsec could not be downloaded: apt-get update, or OTHERS=no" >&2
        exit 1
    }
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
    root=$work/root

    measured fail2ban-regex env PYTHONPATH="$root/usr/lib/python3/dist-packages" python3 "$root/usr/bin/fail2ban-regex" \
        -c "$root/etc/fail2ban" "$work/auth.log" sshd || true
    grep '^Lines:' "$work/fail2ban-regex" | sed 's/^/    /' || tail -n 3 "$work/fail2ban-regex"

    # As the package's installation sets up its offline hub, for sshd alone, and without the central API.
    c=$work/crowdsec.d
    mkdir -p "$c/etc" "$c/data"
    cp -r "$root/usr/share/crowdsec/hub" "$c/hub"
    cp "$root"/usr/share/crowdsec/data/* "$c/data/"
    cp -r "$root"/etc/crowdsec/{profiles.yaml,simulation.yaml,patterns} "$c/etc/"
    : >"$c/etc/acquis.yaml"
    : >"$c/etc/credentials.yaml"
    for item in parsers/s00-raw/syslog-logs parsers/s01-parse/sshd-logs parsers/s02-enrich/dateparse-enrich scenarios/ssh-bf \
        scenarios/ssh-slow-bf collections/sshd; do
        mkdir -p "$c/etc/$(dirname "$item")"
        ln -s "$c/hub/$(dirname "$item")/crowdsecurity/$(basename "$item").yaml" "$c/etc/$(dirname "$item")/"
    done
    cat >"$c/config.yaml" <<CONFIG
common: {daemonize: false, log_media: stdout, log_level: info, working_dir: .}
config_paths: {config_dir: $c/etc, data_dir: $c/data, simulation_path: $c/etc/simulation.yaml, hub_dir: $c/hub, index_path: $c/hub/.index.json,
  notification_dir: $c/etc, plugin_dir: $c/etc}
crowdsec_service: {acquisition_path: $c/etc/acquis.yaml, parser_routines: 1}
cscli: {output: human}
db_config: {log_level: info, type: sqlite, db_path: $c/data/crowdsec.db}
api:
  client: {credentials_path: $c/etc/credentials.yaml}
  server: {log_level: info, listen_uri: "127.0.0.1:18399", profiles_path: $c/etc/profiles.yaml}
prometheus: {enabled: false}
CONFIG
    "$root/usr/bin/cscli" -c "$c/config.yaml" machines add bench --password "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" --force \
        -u http://127.0.0.1:18399 -f "$c/etc/credentials.yaml" >"$work/cscli" 2>&1 || cat "$work/cscli" >&2
    measured crowdsec "$root/usr/bin/crowdsec" -c "$c/config.yaml" -dsn "file://$work/auth.log" -type syslog || true
    # It may find everything and then not end: when it found the last is told apart.
    awk '/level=/ && match($0, /[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
            now = substr($0, RSTART, 2) * 3600 + substr($0, RSTART + 3, 2) * 60 + substr($0, RSTART + 6, 2)
            if (begun == "") begun = now
        }
        match($0, /Ip [0-9a-f.:]+ performed/) { seen[substr($0, RSTART, RLENGTH)] = 1; last = now }
        END { printf "    %d addresses named, the last finding %d s after the beginning\n", length(seen), last == "" ? 0 : (last - begun + 86400) % 86400 }
    ' "$work/crowdsec"
fi
exit "$failed"
