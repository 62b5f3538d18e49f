# A study whose processes are killed, or whose disk is full, and which is made again: the bytes of an undisturbed one.
# bats file_tags=slow
load helper
load fault/fault

@test "killed at writes, renames and anywhere, make again gives the same bytes; clean leaves nothing" {
    have_faults || return 0
    run "$ROOT/tests/fault/break-study" kill 12
    assert_success
    echo "# $output" >&3
}

@test "on a disk that fills, nothing looks whole that is not; with more room, make again gives the same bytes" {
    have_faults || return 0
    run "$ROOT/tests/fault/break-study" full
    if [ "$status" = 77 ]; then
        echo "# left out: a full disk; no file system can be mounted here" >&3
        return 0
    fi
    assert_success
    echo "# $output" >&3
}
