#!/usr/bin/env bash
# Builds everything and runs every test, against a real PostgreSQL that the tests start for themselves. Arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
need_swift
need_packages "${CARDEA_PACKAGES[@]}"

swift build --build-tests
# Two at a time: the tests start servers and load them.
swift test --skip-build "$@"
