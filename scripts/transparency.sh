#!/usr/bin/env bash
# The log, its proofs and an export before verifiers that others wrote: tlog-scales (PyPI) over tiles in a folder and over HTTP, Go's
# golang.org/x/mod (Debian), openssl.
#
#   scripts/transparency.sh                    build, try, clean up
#   scripts/transparency.sh --binary CARDEA    with a cardea that is built
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
source scripts/example.sh

need_packages openssl golang-go golang-golang-x-mod-dev
need_python transparency-1 tlog-scales==0.0.3
choose_cardea "$@"
unset CARDEA_DATABASE_URL
work=$(mktemp -d /tmp/cardea-transparency.XXXXXX)
trap 'CARDEA_HOME=$work/home "$cardea" down >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
chmod 711 "$work"
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go GOFLAGS= go build -o "$work/verifier" scripts/transparency.go
"$tools/bin/python" scripts/transparency.py "$cardea" "$work"
