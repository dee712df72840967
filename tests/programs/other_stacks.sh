#!/bin/bash
# The examples over other HTTP stacks, against sandbox-server, plain and over TLS: what they make, what they say when an
# response is lost, and that a create is sent once, whatever the stack does by itself.
# Usage: other_stacks.sh SANDBOX_SERVER [PROGRAM ...]
#
# A PROGRAM takes BASE_URL ACCOUNT_ID [CA_FILE], makes a token, says "there are N tokens", and deletes it. One whose name
# has "own_task" or "no_coroutine" in it (or - for _) speaks plain HTTP only.
set -u
sandbox_server=$1
shift
work=$(mktemp -d)
trap 'kill $server $redirector 2>/dev/null; rm -rf "$work"' EXIT
server='' redirector=''
checks=0 failures=0
export CLOUDFLARE_API_TOKEN=an-api-token-that-no-output-shows
unset CLOUDFLARE_EMAIL CLOUDFLARE_API_KEY
# Under a sanitizer: Qt's network thread may still be going when a program ends, with what OpenSSL keeps for each thread.
echo leak:libcrypto >"$work/suppressions"
export LSAN_OPTIONS=suppressions=$work/suppressions:print_suppressions=0
account=023e105f4ecef8ad9ca31a8372d0c353

await_file() { # waits for a file with something in it, five seconds at most
    for ((i = 0; i < 250; i++)); do
        [ -s "$1" ] && return
        sleep 0.02
    done
    echo "FAILED: $1 did not appear"
    exit 1
}
stop() { # a process of this script
    kill -9 "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
start_server() { # its options; leaves $url
    [ -n "$server" ] && stop "$server"
    rm -f "$work/url"
    local options=(--ca-file "$work/ca.pem")
    [ "$scheme" = plain ] && options+=(--plain)
    "$sandbox_server" "${options[@]}" "$@" >"$work/url" &
    server=$!
    await_file "$work/url"
    url=$(cat "$work/url")
}
start_redirector() { # a method, whose requests it redirects to the server; leaves $redirecting_url
    [ -n "$redirector" ] && stop "$redirector"
    rm -f "$work/port"
    perl -MIO::Socket::INET -e '
        alarm 60;
        $SIG{PIPE} = "IGNORE";
        my ($method, $target) = @ARGV;
        my $id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
        my $made = qq({"success":true,"result":{"id":"$id","client_id":"c.access","client_secret":"cfast_secret"}});
        my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
        $| = 1;
        print $listener->sockport, "\n";
        while (my $peer = $listener->accept) {
            my $head = "";
            while ($head !~ /\r\n\r\n$/) { sysread($peer, $head, 1, length $head) or last }
            my ($length) = $head =~ /^content-length: *(\d+)/im;
            read($peer, my $body, $length) if $length;
            my ($path) = $head =~ m{^$method /client/v4(\S*)};
            print $peer defined $path ? "HTTP/1.1 307 \r\nLocation: $target$path\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 200 \r\nContent-Length: " . length($made) . "\r\n\r\n$made";
            close $peer;
        }' "$1" "$url" >"$work/port" &
    redirector=$!
    await_file "$work/port"
    redirecting_url=http://127.0.0.1:$(cat "$work/port")/client/v4
}
run() { # a base URL, and perhaps "untrusted"; leaves $status, $work/out and $work/err
    local arguments=("$1" "$account")
    [ "$scheme" = tls ] && [ "${2-}" != untrusted ] && arguments+=("$work/ca.pem")
    timeout 30 "$program" "${arguments[@]}" >"$work/out" 2>"$work/err"
    status=$?
    check "no secret is shown" test "$(cat "$work/out" "$work/err" | grep -c "cfast_\|$CLOUDFLARE_API_TOKEN")" -eq 0
}
check() { # what, then a command that must succeed
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    echo "FAILED: $(basename "$program"), $scheme${fault:+, $fault}: $what (exit status $status)"
    sed 's/^/    out: /' "$work/out"
    sed 's/^/    err: /' "$work/err"
    failures=$((failures + 1))
}
exits() { [ "$status" -eq "$1" ]; }
out_has() { grep -q -- "$1" "$work/out"; }
err_has() { grep -q -- "$1" "$work/err"; }
err_is_lines() { [ "$(wc -l <"$work/err")" -ge 1 ] && [ "$(wc -l <"$work/err")" -le "$1" ]; }
holds() { # how many tokens the server has: another run makes one more, counts, and deletes it
    run "$url"
    out_has "^there are $(($1 + 1)) tokens"
}

test_good() {
    for fault in '' '*=chunked' '*=close' '*=drip:1'; do
        start_server ${fault:+--fault "$fault"}
        run "$url"
        check "a token is made and deleted" exits 0
        check "it says what it made" out_has '^created '
        check "it says what is there" out_has '^there are 1 tokens'
        check "it says what it deleted" out_has '^deleted '
        check "it complains of nothing" test ! -s "$work/err"
        check "nothing is left" holds 0
    done
}
test_lost_create() {
    local made=1
    for fault in drop-after reset-after truncate:10 truncate:100 truncate:300 respond-after:502:oops respond-after:200: \
        drop-before reset-before; do
        [[ $fault = *-before ]] && made=0
        start_server --fault "POST#1=$fault"
        run "$url"
        check "a create whose response is lost fails" exits 1
        check "it says that the server may have acted" err_has '^create_service_token: .*the server may have acted'
        check "it does so in a line a call" err_is_lines 2
        check "the server has seen it once" holds $made
    done
}
test_lost_others() {
    for fault in GET#1=drop-after DELETE#1=drop-after DELETE#1=reset-after; do
        start_server --fault "$fault"
        run "$url"
        check "it ends well or says why not" eval 'exits 0 || err_is_lines 1'
        check "nothing is left" holds 0
    done
}
test_redirect() {
    fault='POST redirected'
    start_server
    start_redirector POST
    run "$redirecting_url"
    check "a redirect is an error" exits 1
    check "it is named" err_has '^create_service_token: .*redirect'
    check "it is not followed" holds 0
    fault='GET redirected'
    start_redirector GET
    DEADLINE_SECONDS=2 run "$redirecting_url"
    check "a redirect is an error" exits 1
    check "it is named" err_has '^list_service_tokens: .*redirect'
    check "it is not followed" test "$(grep -c 'there are' "$work/out")" -eq 0
}
test_deadline() {
    local before
    for fault in POST=delay:20000 POST=drip:100; do
        start_server --fault "$fault"
        before=$SECONDS
        DEADLINE_SECONDS=1 run "$url"
        check "a response that does not come in time is an error" exits 1
        check "it names the deadline" err_has '^create_service_token: deadline exceeded.*the server may have acted'
        check "it is given up in time" test $((SECONDS - before)) -le 8
    done
}
test_unreachable() {
    fault='no server'
    start_server
    stop "$server"
    server=''
    DEADLINE_SECONDS=2 run "$url"
    check "an unreachable server is an error" exits 1
    check "it says that nothing was sent" err_has '^create_service_token: .*; nothing was sent'
}
test_untrusted() {
    fault='a certificate of nobody'
    start_server
    run "$url" untrusted
    check "a server that is not trusted is an error" exits 1
    check "it names TLS" err_has '^create_service_token: TLS handshake failed.*; nothing was sent'
}

for program in "$@"; do
    program=$(realpath "$program")
    [ -x "$program" ] || { echo "FAILED: no such program: $program" && exit 1; }
    schemes='plain tls'
    [[ $(basename "$program") = *own[_-]task* || $(basename "$program") = *no[_-]coroutine* ]] && schemes=plain
    for scheme in $schemes; do
        fault=''
        test_good
        test_lost_create
        test_lost_others
        [ "$scheme" = plain ] && test_redirect
        test_deadline
        test_unreachable
        [ "$scheme" = tls ] && test_untrusted
    done
done
echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
