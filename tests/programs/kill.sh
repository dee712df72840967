#!/bin/bash
# Kills issues and reconciles at random moments, by SIGKILL or SIGTERM, then reconciles: every token left must be held by
# its secret file.
# Usage: kill.sh ACCESS_TOKEN SANDBOX_SERVER COUNT
set -u
access_token=$1 sandbox_server=$2 count=$3
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
RANDOM=7
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
failures=0

"$sandbox_server" --ca-file "$work/ca.pem" --set token_limit=100000 --fault POST=delay:15 --fault PUT=delay:10 \
    --fault DELETE=delay:10 >"$work/url" &
server=$!
until [ -s "$work/url" ]; do kill -0 $server && sleep 0.05 || exit 1; done
CLOUDFLARE_BASE_URL=$(cat "$work/url")
export CLOUDFLARE_BASE_URL
run() { "$access_token" --ca-file "$work/ca.pem" "$@"; }
pause() { # up to 79 ms
    local ms=$((RANDOM % 80))
    sleep "$(printf 0.%03d $ms)"
}

end() { # one that is killed, or told to end and then waited for
    kill "$1" "$2" 2>/dev/null
    wait "$2" 2>/dev/null
}

run create bystander >/dev/null
for ((i = 0; i < count; i++)); do
    "$access_token" --ca-file "$work/ca.pem" issue ci --secret-file "$work/secret-$i" --intents "$work/intents" >/dev/null 2>&1 &
    victim=$!
    pause
    ((i % 3 == 0)) && signal=-TERM || signal=-KILL
    end $signal $victim
    if ((i % 5 == 0)); then
        "$access_token" --ca-file "$work/ca.pem" reconcile --intents "$work/intents" --min-age 0s --gone-age 0s \
            >/dev/null 2>&1 &
        victim=$!
        pause
        end $signal $victim
    fi
done
run reconcile --intents "$work/intents" --min-age 0s --gone-age 0s 2>"$work/err" || {
    echo "FAILED: reconcile left something: $(cat "$work/err")"
    failures=$((failures + 1))
}

held=0
while read -r id _ _ name; do
    [ "$name" = bystander ] && continue
    if grep -qs "^CF_ACCESS_TOKEN_ID=$id$" "$work"/secret-*; then
        held=$((held + 1))
    else
        echo "FAILED: nobody owns $id, named $name"
        failures=$((failures + 1))
    fi
    [ "$name" = ci ] || { echo "FAILED: the tag was left in $name" && failures=$((failures + 1)); }
done < <(run list)
files=$(find "$work" -name 'secret-*' ! -name '*.new.*' | wc -l)
[ "$files" -eq "$held" ] || { echo "FAILED: $files secret files, $held tokens" && failures=$((failures + 1)); }
run list | grep -q bystander || { echo "FAILED: the bystander is gone" && failures=$((failures + 1)); }
echo "$count issues killed, $held tokens held, $failures failures"
exit $failures
