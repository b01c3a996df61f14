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

if ! command -v prometheus-alertmanager >/dev/null; then
    # Its service is not wanted here: masked before the package would start it.
    sudo=; [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    $sudo systemctl mask prometheus-alertmanager >/dev/null 2>&1 || true
    need_packages prometheus-alertmanager
fi
need_packages openssl
need_python delivery-2 aiosmtpd==1.4.6 standardwebhooks==1.1.0 ocsf-json-schema==1.2.0 jsonschema==4.25.1
choose_cardea "$@"
unset CARDEA_DATABASE_URL
exec "$tools/bin/python" scripts/delivery.py "$cardea"
