#!/bin/bash
# Kills and stops `rotate` and `renew` at random moments, by SIGKILL, SIGTERM or SIGSTOP, while consumers knock at a page
# behind the sandbox's Access: by what the secret file holds, and by what it held before. Nobody may be refused.
# Usage: kill_rotation.sh ACCESS_TOKEN SANDBOX_SERVER COUNT [SEED]    COUNT times each
set -u
access_token=$1 sandbox_server=$2 count=$3
work=$(mktemp -d)
trap '[ $BASHPID = $$ ] && { kill $server $knocker 2>/dev/null; rm -rf "$work"; }' EXIT
RANDOM=${4:-7}
# shellcheck source=tests/programs/killed_programs.sh
. "$(dirname "$0")/killed_programs.sh"
stopped=0 lost=0 knocker=
start_server --set token_limit=1000000 --protect /app --fault PUT=delay:50

pause() { # for as long as a rotation takes, at most
    local ms=$((RANDOM % span))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}
# Each knocks with one secret file or a copy of it; "200" or a redirect to the login page.
knock() {
    local file args=()
    for file; do
        args+=(-H "CF-Access-Client-Id: $(sed -n 's/^CF_ACCESS_CLIENT_ID=//p' "$file")"
            -H "CF-Access-Client-Secret: $(sed -n 's/^CF_ACCESS_CLIENT_SECRET=//p' "$file")"
            -s -o /dev/null -w '%{http_code}\n' --cacert "$work/ca.pem" "$page" --next)
    done
    unset 'args[${#args[@]}-1]'
    curl "${args[@]}"
}
must_be_let_in() { # when, then files
    local when=$1
    shift
    [ "$(knock "$@" | sort -u)" = 200 ] || complain "$command $i: a consumer is refused $when"
}
keep_knocking() { # reads the files again and again
    while sleep 0.01; do
        cp "$work"/now-* "$work/read/" 2>/dev/null
        knock "$work"/read/now-* | grep -qv '^200$' && echo "refused" >>"$work/refused"
    done
}
kill_one() { # the program's arguments
    "$access_token" --ca-file "$work/ca.pem" "$@" >"$work/out" 2>"$work/err" &
    local victim=$!
    pause
    case $((RANDOM % 4)) in
    0 | 1) kill -KILL $victim 2>/dev/null ;;
    2) kill -TERM $victim 2>/dev/null ;;
    3)
        kill -STOP $victim 2>/dev/null && stopped=$((stopped + 1))
        pause
        kill -CONT $victim 2>/dev/null
        ;;
    esac
    wait $victim 2>/dev/null
}

run create ci --secret-file "$work/first" >/dev/null || exit 1
begun=$(date +%s%N)
run rotate "$(sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$work/first")" --secret-file "$work/first" --intents "$work/intents" >/dev/null || exit 1
span=$(((($(date +%s%N) - begun) / 1000000) + 20))

for command in rotate renew; do
    number=1
    [ $command = renew ] && number=3
    for ((i = 0; i < count; i++)); do
        rm -rf "$work"/now-* "$work"/before-* "$work"/again-* "$work/read" "$work/dir"
        mkdir "$work/read" "$work/dir"
        for ((n = 0; n < number; n++)); do
            run create "ci" --secret-file "$work/dir/ci-$n" >/dev/null || complain "create fails"
            ln -s "$work/dir/ci-$n" "$work/now-$n"
            cp "$work/dir/ci-$n" "$work/before-$n"
        done
        id=$(sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$work/before-0")
        if [ $command = rotate ]; then
            words=(rotate "$id" --secret-file "$work/dir/ci-0" --grace 1h)
        else
            words=(renew --secret-dir "$work/dir" --rotate-after 1s --grace 1h)
            sleep 1.1
        fi
        keep_knocking 2>/dev/null &
        knocker=$!
        kill_one "${words[@]}" --intents "$work/intents"
        must_be_let_in "after the kill" "$work"/now-* "$work"/before-*
        for ((n = 0; n < number; n++)); do cp "$work/dir/ci-$n" "$work/again-$n"; done
        run "${words[@]}" --intents "$work/intents" >"$work/out" 2>"$work/err"
        status=$?
        [ $status -le 3 ] || complain "$command $i: again, it exits $status: $(cat "$work/err")"
        grep -qi 'is lost' "$work/err" "$work/out" && lost=$((lost + 1))
        must_be_let_in "after the next run" "$work"/now-* "$work"/before-* "$work"/again-*
        kill $knocker
        wait $knocker 2>/dev/null
    done
    # What was lost was said, and is replaced by choice.
    id=$(sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$work/now-0")
    run renew "$id" --secret-file "$work/dir/ci-0" --replace-lost --intents "$work/intents" >"$work/out" 2>"$work/err" ||
        complain "$command: renew --replace-lost exits $?: $(cat "$work/err")"
    must_be_let_in "in the end" "$work/now-0"
    # The lock of a store that was killed at its end is removed by the next one of that key.
    [ -z "$(find "$work/dir" \( -name '.*.new*' -o -name '*.new.*' \) ! \( -name '*.lock' -empty \))" ] || complain "files were left beside"
    echo "$command: $count killed or stopped, $failures failures"
done
touch "$work/refused"
refused=$(wc -l <"$work/refused")
[ "$refused" -eq 0 ] || complain "$refused rounds of consumers with a refusal"
echo "$stopped were stopped, $lost secrets were lost and said to be, $failures failures"
exit $((failures != 0))
