#!/usr/bin/env bash
# Cardea against what others wrote: each part by itself, the whole ends with the first that fails.
#
#   scripts/conformance.sh                    everything
#   scripts/conformance.sh api|sigma|delivery|ocsf|oscal|transparency …   one part, with its options
#
# api       the example API against its OpenAPI document (schemathesis)
# sigma     Sigma rules beside pySigma's SQLite backend
# delivery  alerts to Alertmanager, a mail server, syslog receivers, and webhooks that fail, hang, redirect and are gone
# ocsf      every type of event as OCSF 1.8.0 before the schema
# oscal     the reports of all frameworks as OSCAL before oscal-validate
# transparency  tiles, checkpoints, proofs and exports before tlog-scales, Go's x/mod and openssl
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -gt 0 ] && [[ $1 != -* ]]; then
    part=$1
    shift
    [ -x "scripts/$part.sh" ] || { echo "There is no part '$part': api, sigma, delivery, ocsf, oscal, transparency." >&2; exit 2; }
    exec "scripts/$part.sh" "$@"
fi
scripts/sigma.sh
scripts/api.sh "$@"
scripts/delivery.sh "$@"
scripts/ocsf.sh
scripts/oscal.sh
scripts/transparency.sh "$@"
