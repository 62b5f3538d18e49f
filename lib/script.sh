# script.sh - what the tools in Bash share; make puts it where they name it. A tool sets version and synopsis.
set -eEu -o pipefail +o posix
broken() {
    echo "${0##*/}: a command failed: check disk space, memory and process limits" >&2
    exit 4
}
trap broken ERR # exit 1 is an answer, never an accident
trap '' XFSZ    # a file that would grow over a limit is a write that fails
export LC_ALL=C
unset POSIXLY_CORRECT GETOPT_COMPATIBLE CDPATH GLOBIGNORE

tool=${0##*/}
progress='' # set while the terminal shows a line that messages must not be mixed with

# A standard stream that is closed must not become the number of a file that is opened later.
[ -e /dev/fd/0 ] || exec 0>/dev/null # which cannot be read
[ -e /dev/fd/1 ] || exec 1</dev/null
[ -e /dev/fd/2 ] || exec 2</dev/null

# ---- messages ----

warn() {
    [ -z "$progress" ] || printf '\r\033[K' >&2
    printf '%s: %s\n' "$tool" "${1//[[:cntrl:]]/?}" >&2 || :
}

die() { # die CODE MESSAGE
    warn "$2"
    exit "$1"
}

usage() { # usage [WHY]
    [ $# = 0 ] || warn "$1"
    # shellcheck disable=SC2154 # the tool has it
    die 2 "usage: $tool $synopsis (see --help)"
}

# ---- output ----

# put NAME COMMAND...: COMMAND prints what goes to standard output, which messages call NAME
put() {
    local said code=0
    said=$(reported "${@:2}") || code=$?
    ((code != 0)) || code=${said##*[!0-9]} # none: bash had no pipe, which it takes for success
    [ -n "$code" ] || broken
    ((code <= 128)) || exit "$code" # a signal's
    said=${said%"$code"} said=${said%$'\n'}
    ((code == 0)) || die 4 "$1: cannot write${said:+: ${said##*: }}"
} 4>&1

reported() { # reported COMMAND...: what it complains of, and its status
    local code=0
    "$@" 2>&1 >&4 || code=$?
    trap '' PIPE # nobody to report to: not the silence of one whose output nobody reads
    echo $code
}

out() { # out TEXT
    [ -z "$progress" ] || printf '\r\033[K' >&2
    put '<stdout>' printf '%s\n' "$1"
}
