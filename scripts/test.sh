#!/usr/bin/env bash
# Builds everything and runs every test, against a real PostgreSQL that the tests start for themselves, then the short run of the faults.
# Arguments go to `swift test`; with any, the faults are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
need_swift
need_packages "${CARDEA_PACKAGES[@]}"

swift build --build-tests
swift test --skip-build "$@"
[ $# -gt 0 ] || scripts/faults.sh --short --binary "$(swift build --show-bin-path)/cardea"
