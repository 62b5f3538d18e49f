# Every tool, every kind of system call made to fail in turn: told, and no output is cut.
# bats file_tags=slow
load helper
load fault/fault

# memory_may_end: 1 and a remark where memory cannot be refused
memory_may_end() {
    have_faults || return 1
    ! grep -q __gcov_init "$BUILD/ser-cmp" || {
        echo "# left out: injected faults; what counts the lines does not survive a refused malloc" >&3
        return 1
    }
}

@test "what falls short or is interrupted changes no byte; what fails is told, and no output is cut" {
    memory_may_end || return 0
    run "$ROOT/tests/fault/each-tool"
    assert_success
    echo "# $output" >&3
}

@test "where memory ends while JSON is read, this is told, and nothing else happens" {
    local n
    memory_may_end || return 0
    if grep -q -e __asan_init "$(command -v ser-embed)"; then
        echo '# left out: a sanitizer has a malloc of its own' >&3
        return
    fi
    "$ROOT/tests/make-encoder" tiny
    sox -R -n -r 16000 a.wav synth 0.1 sine 440
    # jansson's room of 16 bytes is full at the comma behind the number, that of 32 at the quote behind the name.
    sed -i '1s/{/{"a": 123456789012345, "its_closing_quote_has_no_room_": 1,/' tiny/config.json
    for n in {5..60}; do
        SER_FAULT=own:$n:ENOMEM LD_PRELOAD=$BUILD/fault.so run ser-embed -q --kernels plain --pool mean -o x.sert tiny a.wav
        assert_equal "$n: $status" "$n: 4"
        assert_output --partial 'out of memory'
    done
}
