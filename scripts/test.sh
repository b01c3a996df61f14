#!/usr/bin/env bash
# Builds everything and runs every test, against a real PostgreSQL that the tests start for themselves, then the short run of the faults, the
# search for planted secrets, and Cardea beside what others wrote. Arguments go to `swift test`; with any, nothing else is run.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
need_swift
need_packages "${CARDEA_PACKAGES[@]}"

swift build --build-tests
if [ $# -gt 0 ]; then
    swift test --skip-build "$@"
    exit
fi
# One target after the other: all at once start so many servers and clients that a small machine spends its time waiting for itself.
failed=()
for target in Tests/*Tests; do
    swift test --skip-build --filter "^${target#Tests/}\." || failed+=("${target#Tests/}")
done
scripts/faults.sh --short --binary "$(swift build --show-bin-path)/cardea" || failed+=(faults.sh)
scripts/secrets.sh --binary "$(swift build --show-bin-path)/cardea" || failed+=(secrets.sh)
scripts/conformance.sh --binary "$(swift build --show-bin-path)/cardea" || failed+=(conformance.sh)
if [ ${#failed[@]} -gt 0 ]; then
    echo "Failed: ${failed[*]}" >&2
    exit 1
fi
