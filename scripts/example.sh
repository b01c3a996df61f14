# Sourced by the other scripts: the example API, with a private PostgreSQL and the worker, under $home.
#
#   choose_cardea ARGUMENT…   sets $cardea from `--binary CARDEA`, or builds it; other arguments print the script's usage and end it
#   start_example   runs `$cardea up --example` with a free port, alerts to standard output; sets $up and $url
#   end_example     ends it, its PostgreSQL, and $home

choose_cardea() {
    need_packages "${CARDEA_PACKAGES[@]}"
    case "${1:-}" in
        "")
            need_swift
            swift build --product cardea
            cardea="$(swift build --show-bin-path)/cardea"
            ;;
        --binary) cardea=${2:?--binary needs a path} ;;
        *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
}

start_example() {
    "$cardea" up --example --port 0 2>"$home/up.log" &
    up=$!
    url=
    for _ in $(seq 300); do
        url=$(sed -n 's/.*example API on //p' "$home/up.log" 2>/dev/null || true)
        [ -n "$url" ] && return
        kill -0 "$up" 2>/dev/null || break
        sleep 0.2
    done
    echo "It did not start:" >&2
    cat "$home/up.log" >&2
    return 1
}

end_example() {
    [ -n "${up:-}" ] && kill -TERM "$up" 2>/dev/null && wait "$up" 2>/dev/null || true
    "$cardea" down 2>/dev/null || true
    rm -rf "$home"
}
