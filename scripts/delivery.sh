#!/usr/bin/env bash
# Alerts on their way to real receivers on loopback: Alertmanager, a mail server with STARTTLS and a password, syslog by UDP, TCP and TLS, and
# webhooks that take, fail, hang, redirect, are gone, or are not to be asked. Others' code judges what arrives.
#
#   scripts/delivery.sh                    build, try, clean up
#   scripts/delivery.sh --binary CARDEA    with a cardea that is built
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
source scripts/example.sh

need_packages openssl
need_python delivery-2 aiosmtpd==1.4.6 standardwebhooks==1.1.0 ocsf-json-schema==1.2.0 jsonschema==4.25.1
choose_cardea "$@"
unset CARDEA_DATABASE_URL
manager=$(command -v prometheus-alertmanager || true)
if [ -z "$manager" ]; then
    folder=$(mktemp -d /tmp/cardea-alertmanager.XXXXXX)
    trap 'rm -rf "$folder"' EXIT
    unpack_packages "$folder" prometheus-alertmanager
    manager=$folder/usr/bin/prometheus-alertmanager
fi
"$tools/bin/python" scripts/delivery.py "$cardea" "$manager"
