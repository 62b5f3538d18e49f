# Every tool, every kind of system call made to fail in turn: told, and no output is cut.
# bats file_tags=slow
load helper
load fault/fault

@test "what falls short or is interrupted changes no byte; what fails is told, and no output is cut" {
    have_faults || return 0
    ! grep -q __gcov_init "$BUILD/ser-cmp" || {
        echo "# left out: injected faults; what counts the lines does not survive a refused malloc" >&3
        return 0
    }
    run "$ROOT/tests/fault/each-tool"
    assert_success
    echo "# $output" >&3
}
