# Sourced by the other scripts: makes sure that what Cardea is built on is there, and installs it from Debian's packages where it can.
#
#   need_packages PACKAGE…   the Debian packages, installed if missing
#   need_swift               a Swift toolchain, which no Debian package brings
#   need_python NAME PACKAGE…   a virtual environment with these packages from PyPI, made under the user's cache if missing; sets $tools

need_swift() {
    if ! command -v swift >/dev/null; then
        echo "Swift 6.2 or newer is needed: https://www.swift.org/install/linux/" >&2
        exit 1
    fi
}

need_packages() {
    local missing=() package root=()
    if ! command -v dpkg-query >/dev/null; then
        if command -v pg_config >/dev/null && command -v curl >/dev/null; then return; fi
        echo "This system has no apt. Install PostgreSQL 15 or newer with libpq's headers, zlib's headers, pkg-config and curl, then run this again." >&2
        exit 1
    fi
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "Missing: ${missing[*]}. Run this once, then this script again:" >&2
            echo "  sudo apt-get update && sudo apt-get install --yes ${missing[*]}" >&2
            exit 1
        fi
        root=(sudo -n)
    fi
    echo "Installing ${missing[*]} …" >&2
    "${root[@]}" apt-get -qq update >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${missing[@]}" >&2
}

need_python() {
    local name=$1
    shift
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3 python3-venv
    tools=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cardea/$name
    [ -e "$tools/complete" ] && return
    echo "Installing $* under $tools …" >&2
    rm -rf "$tools"
    mkdir -p "$(dirname "$tools")"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "$@" || { rm -rf "$tools"; exit 1; }
    touch "$tools/complete"
}

CARDEA_PACKAGES=(libpq-dev postgresql zlib1g-dev pkg-config curl)
