# script.sh - what the tools in Bash share; make puts it where they name it.
#
# A tool sets version and synopsis. With begin it also has the folder temp for its work, and deliver.
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
[ -e /dev/fd/0 ] || exec 0</dev/null
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

copy() { cat -- "$1" >"$2"; }

replace() { copy "$1" "$part" && sync -- "$part" && mv -fT -- "$part" "$2"; }

# Ends where anything has complained so far: what was made may lack a part.
no_complaints() {
    [ ! -s "$temp/complaints" ] || broken
}

# deliver FILE: to its place, where a file appears when it is complete
deliver() {
    local target
    no_complaints
    if [ -z "$output" ] || [ "$output" = - ]; then
        put '<stdout>' cat -- "$1"
        return
    fi
    [ ! -d "$output" ] || die 4 "$output: cannot write: is a folder"
    if [ -e "$output" ] && [ ! -f "$output" ]; then
        put "$output" copy "$1" "$output"
        return
    fi
    { target=$(realpath -m -- "$output") && [ -n "$target" ]; } || broken
    [ ! -L "$target" ] || die 4 "$output: cannot write: too many symbolic links"
    # A signal here is one from the substitution: bash could not read what mktemp printed.
    part=$(put "$output" mktemp -- "${target%/*}/.ser-XXXXXX") || {
        (($? == 4)) || broken
        exit 4
    }
    if [ -e "$target" ]; then chmod --reference="$target" "$part"; else chmod "$(printf %o $((0666 & ~$(umask))))" "$part"; fi
    no_complaints
    put "$output" replace "$1" "$target"
    part=''
}

# ---- work ----

# Bash has numbers of its own for what it could not do; they are none of a tool's.
leave() {
    local code=$1
    command exec 2>&3 || :
    [ ! -s "$temp/complaints" ] || cat "$temp/complaints" >&3
    rm -rf -- "$temp" ${part:+"$part"} || exit 4
    ((code != 1 && (code <= 4 || code > 127) && code != 254)) || broken
}

# inner COMMAND...: another tool, for which this one speaks
inner() {
    local code=0 line said=''
    "$@" 2>"$temp/inner" || code=$?
    while IFS= read -r line; do
        line=${line#ser-*: }
        case $line in
        "usage: ser-"*) continue ;; # of another tool
        esac
        if ((code)); then
            said=1
            warn "$line"
        elif ! grep -qxF -e "$line" "$temp/warned"; then # each warning once
            printf '%s\n' "$line" >>"$temp/warned"
            warn "$line" 2>&3
        fi
    done <"$temp/inner"
    if ((code)) && [ -z "$said" ]; then broken; fi
    return $code
}

begin() {
    local here
    { here=$(realpath -- "${BASH_SOURCE[0]}") && [ -n "$here" ]; } || broken
    PATH=${here%/*}:$PATH # the tools of the same build
    part=''               # the file beside its place
    { temp=$(mktemp -d) && [ -n "$temp" ]; } || die 4 "cannot create a temporary folder in ${TMPDIR:-/tmp}"
    exec 3>&2
    trap 'leave $? || :' EXIT # || keeps off ERR, which bash that could not fork raises first of all
    # Bash goes on when a substitution fails within a word; but it or the command complains of it.
    exec 2>"$temp/complaints"
    : >"$temp/warned"
}
