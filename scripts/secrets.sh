#!/usr/bin/env bash
# Plants secrets in requests to the example API, wherever clients put them, and looks for them in everything that was written: the database's
# files with their write-ahead log, the spool (the database is taken away halfway), and all logs.
#
#   scripts/secrets.sh                    build, start a server of its own, check, clean up
#   scripts/secrets.sh --binary CARDEA    with a cardea that is built
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/prerequisites.sh
source scripts/example.sh

choose_cardea "$@"

home=$(mktemp -d /tmp/cardea-secrets.XXXXXX)
export CARDEA_HOME=$home CARDEA_EXAMPLE_PASSWORD_COST=4
unset CARDEA_DATABASE_URL
trap end_example EXIT

planted=()
# A secret of its own for every place, so that a find names the place.
secret() { planted+=("PlantedSecret${#planted[@]}x$1"); REPLY=${planted[-1]}; }
# A request whose answer does not matter.
request() { curl -sS -o /dev/null --max-time 10 "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

json=(-H 'Content-Type: application/json')

# Real credentials, for which the database must be there: $access, $key, $session.
sign_in() {
    local answer=
    answer=$(curl -sS "${json[@]}" -d "{\"username\":\"$1\",\"password\":\"$1-demo-password\"}" "$url/login")
    access=$(field access_token <<<"$answer")
    [ -n "$access" ] || { echo "No sign-in: $answer" >&2; return 1; }
    key=$(curl -sS "${json[@]}" -H "Authorization: Bearer $access" -d '{"label":"planted"}' "$url/api-keys" | field key)
    [ -n "$key" ] || { echo "No API key" >&2; return 1; }
    session=$(curl -sS -i "${json[@]}" -d "{\"username\":\"$1\",\"password\":\"$1-demo-password\"}" "$url/session" | sed -n 's/^Set-Cookie: __Host-session=\([^;]*\).*/\1/p')
    [ -n "$session" ] || { echo "No session" >&2; return 1; }
    planted+=("$access" "${access##*.}" "$(field refresh_token <<<"$answer")" "$key" "${key##*_}" "$session" "$1-demo-password")
}

plant() {
    local name
    # What must be found, or nothing was looked at.
    request "$url/looked-at-$1"
    for name in password access_token api_key code; do
        secret "query-$name"; request "$url/books?$name=$REPLY"
    done
    secret query-bare; request "$url/books?$REPLY"
    secret query-missing; request "$url/nothing/at/all?token=$REPLY"
    secret json; request "${json[@]}" -d "{\"username\":\"alice\",\"password\":\"$REPLY\"}" "$url/login"
    secret json-shape; request "${json[@]}" -d "{\"username\":[\"$REPLY\"],\"password\":\"$REPLY\"}" "$url/login"
    secret json-broken; request "${json[@]}" -d "{\"password\":\"$REPLY\"" "$url/login"
    secret form; request -d "username=alice&password=$REPLY" "$url/login"
    secret part; request -F "password=$REPLY" "$url/login"
    secret refresh; request "${json[@]}" -d "{\"refresh_token\":\"$REPLY\"}" "$url/token/refresh"
    secret bearer; request -H "Authorization: Bearer $REPLY" "$url/me"
    secret basic; request -u "alice:$REPLY" "$url/me"; planted+=("$(printf 'alice:%s' "$REPLY" | base64 -w0)")
    secret scheme; request -H "Authorization: $REPLY" "$url/me"
    secret cookie; request -H "Cookie: session=$REPLY; __Host-id=$REPLY" "$url/me"
    secret x-api-key; request -H "X-API-Key: $REPLY" "$url/books"
    secret key-header; request -H "X-API-Key: shop_$REPLY" "$url/books"
    secret referer; request -H "Referer: https://shop.example/reset?token=$REPLY" "$url/books"
    secret userinfo; request -H "Origin: https://alice:$REPLY@shop.example" "$url/books"
    secret malformed; printf 'GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nBad Header\r\n\r\n' "$REPLY" >"/dev/tcp/127.0.0.1/${url##*:}"
    # Real ones: a token is refused by its shape in a path too, whole and in parts.
    request "$url/books/$access"
    request "$url/books/$key"
    request "$url/books?access_token=$access"
    request -H "Authorization: Bearer $access" "$url/books"
    request -H "Authorization: Bearer ${access}x" "$url/books"
    request -H "X-API-Key: $key" "$url/books"
    request -H "X-API-Key: ${key}x" "$url/books"
    request -H "Cookie: __Host-session=$session" "$url/books"
    request -H "Cookie: __Host-session=${session}x" "$url/books/$session"
    secret code; request "${json[@]}" -d "{\"username\":\"alice\",\"password\":\"x\",\"code\":\"$REPLY\"}" "$url/login"
    secret oauth; request -d "grant_type=refresh_token&refresh_token=$REPLY" "$url/oauth/token"
    secret revoke; request -d "token=$REPLY" "$url/oauth/revoke"
    secret proof; request -X POST -H "Authorization: DPoP $access" -H "DPoP: $REPLY" "$url/orders"
    secret new-password; request "${json[@]}" -H "Authorization: Bearer $access" -d "{\"current\":\"$REPLY\",\"new\":\"$REPLY\"}" "$url/me/password"
    request -X POST -H "Authorization: Bearer $access" "$url/logout"
    request -H "Authorization: Bearer $access" "$url/books"
}

CARDEA_LOG_LEVEL=debug start_example >"$home/alerts.log"
sign_in alice
plant stored
for _ in $(seq 100); do
    "$cardea" query -o jsonl 2>/dev/null | grep -q looked-at-stored && break
    sleep 0.1
done
"$cardea" query --own -o jsonl >"$home/query.log"
sign_in carol
"$cardea" down
plant spooled
# What the store could not write yet goes to the spool on the way out.
kill -TERM "$up" && wait "$up" || true

status=0
for place in looked-at-stored:postgres looked-at-stored:query.log looked-at-spooled:spool; do
    grep -raqF "${place%%:*}" "$home/"*"${place#*:}"* || { echo "Nothing was looked at: ${place%%:*} is not in ${place#*:}" >&2; status=1; }
done
if grep -raoF -f <(printf '%s\n' "${planted[@]}") "$home" | sort | uniq -c; then
    echo "Secrets were written." >&2
    status=1
fi
[ $status -eq 0 ] && echo "secrets: ${#planted[@]} planted; none in $(find "$home" -type f | wc -l) files of database, spool and logs"
exit $status
