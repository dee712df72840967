#!/bin/sh
# A job of CI: issues a token for this run, runs a command that uses it, and revokes it, however the command ends.
#
#     with_token.sh COMMAND [ARGUMENT ...]
#
# The command finds CF_ACCESS_CLIENT_ID, CF_ACCESS_CLIENT_SECRET and CF_ACCESS_TOKEN_FILE in its environment. Of the
# environment: CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID, and JOB_ID, which names the run; run again with the same JOB_ID, it
# gets the same token, so a job that was killed leaves none behind for long. ACCESS_TOKEN: the program, if not in PATH.
set -eu
: "${JOB_ID:?}"
access_token=${ACCESS_TOKEN:-access-token}
state=${TOKEN_STATE:-$HOME/.local/state/with_token}
mkdir -p "$state"
chmod 700 "$state"
file=$state/$JOB_ID

# 1. One token a run, whatever is killed and repeated; it dies by itself after an hour, should nobody come back.
"$access_token" issue "ci $JOB_ID" --key "$JOB_ID" --duration 1h --secret-file "$file" --intents "$state/intents" >/dev/null
id=$(sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$file")

# 3. Revoked, also after a failure and on a signal: the API no longer knows it, and the file goes.
revoke() {
    "$access_token" delete "$id" >/dev/null && rm -f "$file"
}
trap revoke EXIT
trap 'exit 130' INT TERM HUP

# 2. Used: the secret is in the command's environment only, never in its arguments or in the log.
CF_ACCESS_CLIENT_ID=$(sed -n 's/^CF_ACCESS_CLIENT_ID=//p' "$file")
CF_ACCESS_CLIENT_SECRET=$(sed -n 's/^CF_ACCESS_CLIENT_SECRET=//p' "$file")
CF_ACCESS_TOKEN_FILE=$file
export CF_ACCESS_CLIENT_ID CF_ACCESS_CLIENT_SECRET CF_ACCESS_TOKEN_FILE
status=0
env -u CLOUDFLARE_API_TOKEN "$@" || status=$?
exit $status
