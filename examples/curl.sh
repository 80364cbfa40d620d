#!/bin/sh
# fhirstorm with nothing but curl and a cookie jar: an EHR launch, a standalone login, the patient, the
# vitals, a search page by page, the end of a session. Needs `npm run demo` in another terminal.
# BASE is fhirstorm, SANDBOX the EHR. Exits with a status other than 0 when any step fails.
set -eu

BASE=${BASE:-http://localhost:5000}
SANDBOX=${SANDBOX:-http://127.0.0.1:5001}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

step() { printf '\n%s\n' "$1"; }
fail() {
  printf 'FAILED: %s\n' "$1" >&2
  exit 1
}

# A request with the jar; an answer of 400 or more is a failure.
get() { curl -fsS -b "$work/jar" -c "$work/jar" "$@"; }

# Follows a login to its end, and prints the id of the session that came out of it.
log_in() {
  landed=$(get -L -o "$work/page" -w '%{url_effective}' "$1") || fail "no way through $1"
  id=$(printf '%s' "$landed" | sed -n 's/.*[?&]session=\([A-Za-z0-9_-]*\).*/\1/p')
  [ -n "$id" ] || fail "no session at $landed"
  printf '%s' "$id"
}

# The first text member of this name in a JSON document.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }

# One line for each Observation of a bundle: date, what was measured, values with units.
show() {
  sed 's/"fullUrl":/\
&/g' "$1" | awk '
    /"resourceType":"Observation"/ {
      match($0, /"effectiveDateTime":"[^T"]*/)
      line = "  " substr($0, RSTART + 21, RLENGTH - 21)
      match($0, /"text":"[^"]*"},"subject"/)
      line = line "  " substr($0, RSTART + 8, RLENGTH - 20)
      while (match($0, /"value":[0-9.]+,"unit":"[^"]*"/)) {
        split(substr($0, RSTART, RLENGTH), part, /"value":|,"unit":"|"$/)
        line = line "  " part[2] " " part[3]
        $0 = substr($0, RSTART + RLENGTH)
      }
      print line
      lines++
    }
    END { exit lines == 0 }' || fail 'no observations'
}

step '1. EHR launch: the EHR opens the app for Amy Shaw'
launched=$(log_in "$SANDBOX/launch-app?patient=amy-shaw&auto=1")
get -o "$work/session" "$BASE/sessions/$launched?slide=false"
[ "$(member patient "$work/session")" = amy-shaw ] || fail 'another patient than the launched one'
printf '  session %s, patient %s\n' "$launched" "$(member patient "$work/session")"

step '2. Standalone login: the app begins, Hiro Tanaka is chosen at the EHR'
authorize=$(get -o "$work/page" -w '%{redirect_url}' "$BASE/login?ehr=general")
[ -n "$authorize" ] || fail 'the login does not lead to the EHR'
chosen=$(log_in "$authorize&patient=hiro-tanaka&auto=1")
fhir="$BASE/sessions/$chosen/fhir"
printf '  session %s\n' "$chosen"

step '3. The sessions of this jar'
get -o "$work/sessions" "$BASE/sessions"
for id in "$launched" "$chosen"; do
  grep -q "\"id\":\"$id\"" "$work/sessions" || fail "$id is not listed"
done
! grep -qi token "$work/sessions" || fail 'a session document speaks of a token'
printf '  both are listed, and no token with them\n'

step '4. The patient'
get -o "$work/patient" "$fhir/Patient/hiro-tanaka"
[ "$(member resourceType "$work/patient")" = Patient ] || fail 'no patient'
cat "$work/patient"
printf '\n'

step '5. The latest vitals'
get -o "$work/vitals" "$fhir/Observation?category=vital-signs&_sort=-date&_count=8"
show "$work/vitals"

step '6. A search, page by page'
get -o "$work/first" "$fhir/Observation?code=8867-4&_sort=-date&_count=5"
show "$work/first"
next=$(sed -n 's/.*"relation":"next","url":"[^"?]*\([^"]*\)".*/\1/p' "$work/first")
[ -n "$next" ] || fail 'no next page'
printf '  next page: %s\n' "$fhir$next"
get -o "$work/second" "$fhir$next"
show "$work/second"

step '7. The end of a session: its cookie is worth nothing, the other one still works'
cp "$work/jar" "$work/kept"
get -o "$work/ended" -X DELETE -H 'X-CSRF: 1' "$BASE/sessions/$chosen"
status=$(curl -sS -b "$work/kept" -o "$work/refused" -w '%{http_code}' "$fhir/Patient/hiro-tanaka")
[ "$status" = 401 ] || fail "$status instead of 401"
printf '  %s ' "$status"
cat "$work/refused"
printf '\n'
get -o "$work/patient" "$BASE/sessions/$launched/fhir/Patient/amy-shaw"
printf '  still open: %s\n' "$launched"

step '8. The end of all sessions'
get -o "$work/ended" -X POST -H 'X-CSRF: 1' "$BASE/logout"
status=$(curl -sS -b "$work/kept" -o "$work/refused" -w '%{http_code}' "$BASE/sessions/$launched")
[ "$status" = 401 ] || fail "$status instead of 401"
printf '  %s ' "$status"
cat "$work/refused"
printf '\n\nAll of it worked.\n'
