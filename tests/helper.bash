# Shared by every Bats file: where the tools are, and a few assertions.
bats_require_minimum_version 1.5.0 # run --separate-stderr
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${BUILD:=$ROOT/build}"
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
PATH=$BUILD:$ROOT/tools:$PATH
export LC_ALL=C SER_CACHE= # no test leaves anything with the user
unset OMP_NUM_THREADS

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
}

# fails CODE PATTERN COMMAND...: it ends with CODE, one line of standard error matches PATTERN, and
# standard output stays empty.
fails() {
    local code=$1 pattern=$2
    shift 2
    run --separate-stderr "$@"
    assert_equal "$status" "$code"
    [[ $stderr =~ $pattern ]] || fail "stderr: $stderr"$'\n'"does not match: $pattern"
    [ -z "$output" ] || fail "stdout is not empty: ${output:0:200}"
}

# same FILE FILE: byte for byte
same() {
    cmp "$1" "$2" || fail "$1 and $2 differ"
}

# helper PROGRAM ARGUMENT...: an awk program of the pipelines
helper() {
    awk -f "$ROOT/pipelines/bin/tsv.awk" -f "$ROOT/pipelines/bin/$1.awk" -- "${@:2}"
}

# have_terminal: 1 and a remark where no pseudo-terminal can be had, as in a bare chroot
have_terminal() {
    script -qec true /dev/null >/dev/null 2>&1 || {
        echo "# left out: what needs a terminal; there is no pseudo-terminal here" >&3
        return 1
    }
}
