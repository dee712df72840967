#!/bin/bash
# Kills and stops commands at random moments, by SIGKILL, SIGTERM or SIGSTOP; then reconciles: every token left must be
# held by its secret file. Commands that are asked again (issue --key, ensure) must then work, and have made one token.
# Usage: kill.sh ACCESS_TOKEN SANDBOX_SERVER COUNT [issue|key|ensure [SEED]]    COUNT times each, without a command all
set -u
access_token=$1 sandbox_server=$2 count=$3 commands=${4:-issue key ensure}
work=$(mktemp -d)
# Not in a child that is told to end before it has become the program.
trap '[ $BASHPID = $$ ] && { kill $server 2>/dev/null; rm -rf "$work"; }' EXIT
RANDOM=${5:-7}
# shellcheck source=tests/programs/killed_programs.sh
. "$(dirname "$0")/killed_programs.sh"
stopped=0

pause() { # up to 79 ms
    local ms=$((RANDOM % 80))
    sleep "$(printf 0.%03d $ms)"
}
start() { # the program's arguments; leaves $victim
    "$access_token" --ca-file "$work/ca.pem" "$@" >/dev/null 2>"$work/victim" &
    victim=$!
}
end() { # one that is killed, or told to end and then waited for
    kill "$1" "$2" 2>/dev/null
    wait "$2" 2>/dev/null
}
reconcile() { run reconcile --intents "$work/intents" --min-age 0s --gone-age 0s "$@"; }

# An issue is killed, and perhaps the reconcile behind it.
kill_issue() {
    start issue ci --secret-file "$work/secret-$1" --intents "$work/intents"
    pause
    (($1 % 3 == 0)) && signal=-TERM || signal=-KILL
    end $signal $victim
    (($1 % 5 == 0)) || return
    start reconcile --intents "$work/intents" --min-age 0s --gone-age 0s
    pause
    end $signal $victim
}

# A command that may be asked again is killed, or stopped for a while beside the second one.
kill_again() {
    local file=$work/secret-$1 again=() before=''
    again=(ensure ci)
    [ "$command" = key ] && again=(issue ci --key "key $1")
    again+=(--secret-file "$file" --intents "$work/intents")
    start "${again[@]}"
    pause
    case $((RANDOM % 4)) in
    0 | 1) end -KILL $victim ;;
    2) end -TERM $victim ;;
    3)
        kill -STOP $victim 2>/dev/null && stopped=$((stopped + 1))
        run "${again[@]}" >"$work/beside" 2>&1 &
        local beside=$!
        pause
        kill -CONT $victim 2>/dev/null
        wait $victim || complain "$command $1: stopped and continued, it exits $?: $(cat "$work/victim")"
        wait $beside || complain "$command $1: beside one that was stopped, it exits $?: $(cat "$work/beside")"
        ;;
    esac
    before=$(sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$file" 2>/dev/null)
    run "${again[@]}" >"$work/out" 2>"$work/err" || complain "$command $1: again, it exits $?: $(cat "$work/err")"
    id=$(sed -n 's/^id: //p' "$work/out")
    [ -z "$before" ] || [ "$before" = "$id" ] || complain "$command $1: the token $before was stored, $id is given"
    grep -q "^CF_ACCESS_TOKEN_ID=$id$" "$file" || complain "$command $1: the file does not hold $id"
}

for command in $commands; do
    start_server --set token_limit=100000 --fault POST=delay:15 --fault PUT=delay:10 --fault DELETE=delay:10
    rm -f "$work"/secret-* "$work"/.secret-* "$work"/intents*
    run create bystander >/dev/null
    for ((i = 0; i < count; i++)); do
        [ "$command" = issue ] && kill_issue $i || [ "$command" = issue ] || kill_again $i
    done
    reconcile 2>"$work/err" || complain "reconcile left something: $(cat "$work/err")"
    grep -q '^stray' "$work/err" && complain "reconcile tells of $(cat "$work/err")"

    held=0
    while read -r id _ _ name; do
        [ "$name" = bystander ] && continue
        if grep -qs "^CF_ACCESS_TOKEN_ID=$id$" "$work"/secret-*; then
            held=$((held + 1))
        else
            complain "nobody owns $id, named $name"
        fi
        [ "$name" = ci ] || complain "the tag was left in $name"
    done < <(run list)
    files=$(find "$work" -name 'secret-*' ! -name '*.new.*' | wc -l)
    [ "$files" -eq "$held" ] || complain "$files secret files, $held tokens"
    [ "$command" = issue ] || [ "$files" -eq "$count" ] || complain "$files secret files of $count"
    [ "$command" = issue ] || [ -z "$(find "$work" -name '.secret-*')" ] || complain "files were left beside"
    run list | grep -q bystander || complain "the bystander was deleted"
    echo "$command: $count killed or stopped, $held tokens held, $failures failures"
    kill $server
    wait $server 2>/dev/null
done
echo "$stopped were stopped, $failures failures"
exit $failures
