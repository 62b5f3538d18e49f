# Calls made to fail, for Bats files: load fault/fault. What can fail, and how, tells fault.c.

CALLS=(fired read pread write open close fsync rename mmap malloc own pipe fork exec thread)

# A run whose calls are waited for is faster in memory; where there is no such folder, on disk.
memory_folder() {
    mktemp -d -p /dev/shm 2>/dev/null || mktemp -d
}

# have_faults: 1 and a remark where the tools cannot be preloaded
have_faults() {
    [ -e "$BUILD/fault.so" ] || fail "$BUILD/fault.so is missing: make test builds it"
    ! ldd "$BUILD/ser-cmp" | grep -q 'lib[at]san' || {
        echo "# left out: injected faults; a sanitizer's own hooks would come first" >&3
        return 1
    }
}

# inject FAULT COMMAND...: runs it with these faults ('': none), counting from 0
inject() {
    local fault=$1
    shift
    rm -f .counts
    SER_FAULT=$fault SER_COUNTS=$PWD/.counts LD_PRELOAD=$BUILD/fault.so "$@"
}

# counts: sets count[CALL] to how many such calls the last injected command made
# shellcheck disable=SC2034 # read by those who load this
counts() {
    local i=0 n
    declare -gA count=()
    for n in $(od -An -v -tu8 .counts); do
        count[${CALLS[i]}]=$n
        i=$((i + 1))
    done
}
