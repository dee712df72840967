# A local server that responds to every create after a while, over plain HTTP. To be sourced.
# shellcheck shell=bash disable=SC2034 # what it leaves is for whoever sources it
#
#   start_slow_server DIRECTORY PROGRAMS CORE PORTS MILLISECONDS   leaves $slow_server and ${slow_urls[@]}
start_slow_server() { # where its output goes, where the programs are, its core, how many ports, the delay
    local response_file
    response_file=$(dirname "${BASH_SOURCE[0]}")/create_response.json
    : >"$1/urls"
    taskset -c "$3" "$2/slow_server" "$response_file" "$4" "$5" >>"$1/urls" &
    slow_server=$!
    until [ "$(wc -l <"$1/urls")" -eq "$4" ]; do
        kill -0 "$slow_server" || return 1
        sleep 0.05
    done
    mapfile -t slow_urls <"$1/urls"
}
