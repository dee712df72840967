#!/bin/bash
# Looks at values in gdb with the printers of .debug/gdb, and checks the natvis file against the types of the program.
# Usage: debugger.sh SOURCE_ROOT PROGRAM
set -eu -o pipefail
root=$1 program=$2
command -v gdb >/dev/null || { echo "skipped: no gdb"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debug() { gdb -nx -batch -iex 'set auto-load off' "$@" "$program" 2>&1; }
debug -ex 'python 1' -ex starti >"$work/try" || true
grep -q 'Program stopped' "$work/try" || { echo "skipped: gdb cannot run a program here"; cat "$work/try"; exit 77; }

failed=0
fail() { echo "FAILED: $1"; failed=1; }

cat >"$work/commands" <<END
source $root/.debug/gdb/cloudflare_access.py
set width 0
break use
run
set print frame-arguments all
bt
up
END
for name in secret nothing credentials bytes fields response token result failed error bare none done account scope origin moment duration; do
    printf 'echo %s=\noutput %s\necho \\n\n' "$name" "$name" >>"$work/commands"
done
ASAN_OPTIONS=detect_leaks=0 debug -x "$work/commands" >"$work/seen"
shown() { # the whole line, as a fixed string
    grep -qxF -- "$1" "$work/seen" || fail "gdb does not show: $1"
}
shown 'secret=[redacted]'
shown 'nothing=[redacted]'
shown 'credentials=[redacted]'
shown 'bytes=[redacted]'
shown 'fields={CF-Access-Client-Id: [redacted], CF-Access-Client-Secret: [redacted]}'
shown 'response={status = 201, fields = {CF-Access-Client-Id: [redacted], CF-Access-Client-Secret: [redacted]}, body = [redacted]}'
shown 'failed=error = {error = token_in_use, unknown, HTTP 400: bound to a policy}'
shown 'error=token_in_use, unknown, HTTP 400: bound to a policy'
shown 'bare=not_found'
shown 'none=no error'
shown 'done=success'
shown 'account=account 023e105f4ecef8ad9ca31a8372d0c353'
shown 'scope=zone 023e105f4ecef8ad9ca31a8372d0c353'
shown 'origin=https://api.example:8443'
shown 'moment=2026-11-27T08:05:09.25Z'
shown 'duration=2h45m'
grep -q '^#0 .*use (secret=\[redacted\], same=\[redacted\]' "$work/seen" || fail "the stack shows no [redacted]"
grep -q '^result=value = .*client_secret = \[redacted\]' "$work/seen" || fail "the result shows no [redacted]"
grep -q '^token=.*client_secret = \[redacted\]' "$work/seen" || fail "the token shows no [redacted]"
! grep -q hunter2 "$work/seen" || fail "gdb shows a secret"

# Without the printers it does, or the test would prove nothing.
ASAN_OPTIONS=detect_leaks=0 debug -ex 'break use' -ex run -ex up -ex 'output secret' >"$work/raw"
grep -q hunter2 "$work/raw" || fail "the secret is not to be seen without the printers"

natvis=$root/.debug/natvis/cloudflare_access.natvis
if command -v xmllint >/dev/null; then
    xmllint --noout "$natvis" || fail "the natvis file is not well-formed"
fi
# Each type is one of the program's, and each expression a member of it.
awk '
    /<Type Name="cloudflare/ { split($0, part, "\""); type = part[2]; print "whatis " type }
    /<DisplayString/ { line = $0; gsub(/<[^>]*>/, "", line)
        while (match(line, /\{[^}]*\}/)) {
            print "whatis ((" type " *)0)->" substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH) } }
    /Condition="/ { split($0, part, "\""); print "whatis ((" type " *)0)->" part[2] }
    /<Item/ { split($0, part, /[<>]/); print "whatis ((" type " *)0)->" part[3] }' "$natvis" >"$work/natvis"
[ "$(grep -c 'whatis cloudflare' "$work/natvis")" -ge 15 ] || fail "the natvis file has lost its types"
{ while read -r line; do printf 'echo ? %s\\n\n%s\n' "${line#whatis }" "$line"; done <"$work/natvis"; } >"$work/natvis.gdb"
debug -ex "set confirm off" -x "$work/natvis.gdb" >"$work/types" || true
grep -E 'No (symbol|type|struct)|There is no member|Error' "$work/types" && fail "the natvis file names what is not there"
[ "$(grep -c '^type = ' "$work/types")" -eq "$(wc -l <"$work/natvis")" ] || { fail "natvis"; tail -3 "$work/types"; }
exit $failed
