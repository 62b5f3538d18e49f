# bootstrap: installs what is missing and nothing else. dpkg-query, apt-get, id and make are stand-ins.
load helper
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir bin
    echo 'gcc sox' >absent
    echo 0 >uid
    echo 0 >refusals
    cat >bin/dpkg-query <<'END'
#!/bin/bash
grep -qw -e "${@: -1}" "$BATS_TEST_TMPDIR/absent" && exit 1
printf 'install ok installed'
END
    cat >bin/id <<'END'
#!/bin/bash
cat "$BATS_TEST_TMPDIR/uid"
END
    cat >bin/make <<'END'
#!/bin/bash
echo "make $*" >>"$BATS_TEST_TMPDIR/calls"
END
    cat >bin/apt-get <<'END'
#!/bin/bash
echo "apt-get $*" >>"$BATS_TEST_TMPDIR/calls"
[[ $* == *install* ]] || exit 0
left=$(cat "$BATS_TEST_TMPDIR/refusals")
((left == 0)) && exit 0
echo $((left - 1)) >"$BATS_TEST_TMPDIR/refusals"
exit 100
END
    chmod +x bin/*
    touch calls
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

calls() { # what was called, without apt-get's options and make's number of jobs
    sed -E 's/ -o [^ ]*//; s/ -[^ ]*//g' calls
}

@test "with everything there it only runs make, with its arguments" {
    : >absent
    run "$ROOT/bootstrap" demo OUT=x
    assert_success
    assert_equal "$(calls)" "make demo OUT=x"
}

@test "root installs what is missing, without an update where lists are there" {
    run "$ROOT/bootstrap"
    assert_success
    assert_equal "$(calls)" "$(printf '%s\n' 'apt-get install gcc sox' make)"
}

@test "old lists cost one update" {
    echo 1 >refusals
    run "$ROOT/bootstrap" test
    assert_success
    assert_equal "$(calls)" "$(printf '%s\n' 'apt-get install gcc sox' 'apt-get update' 'apt-get install gcc sox' 'make test')"
}

@test "packages that cannot be had are the end of it: 4, and no make" {
    echo 2 >refusals
    run "$ROOT/bootstrap"
    assert_equal "$status" 4
    assert_line "bootstrap: apt-get failed"
    [[ $(calls) != *make* ]] || fail "make ran: $(calls)"
}

@test "without root: the one command that root must run, and 4" {
    echo 1000 >uid
    fails 4 '^bootstrap: root must run this first: apt-get install --no-install-recommends gcc sox$' "$ROOT/bootstrap" demo
    assert_equal "$(calls)" ""
}

@test "what only tests need is asked for by tests alone" {
    echo 'bats mandoc valgrind' >absent
    run "$ROOT/bootstrap" demo
    assert_equal "$(calls)" "make demo"
    : >calls
    run "$ROOT/bootstrap" test
    assert_equal "$(calls)" "$(printf '%s\n' 'apt-get install bats' 'make test')"
}

# The targets that make help lists. The make of the system, not the stand-in.
targets() {
    command -p make -s -C "$ROOT" help | sed -n 's/^make \([a-z]\{1,\}\)  *[^ ].*/\1/p'
}

@test "make help: one line for each target that is no part of another" {
    # The rest are steps of those, or make everything ready for tests.
    run comm -3 <(targets | sort) <(sed -n '/^\.PHONY: help/,/[^\\]$/p' "$ROOT/Makefile" |
        grep -oE '\b[a-z]+(-[a-z]+)?\b' | grep -vxE 'units|objects|lint-.*|fuzz-run' | sort -u)
    assert_output ""
}

# bats test_tags=slow
@test "all that a target calls and includes comes from its packages, not from a recommendation" {
    local target list
    local -A targets_of
    printf '%s\n' '#!/bin/sh' 'exit 1' >bin/dpkg-query # with nothing there, bootstrap names every package
    echo 1000 >uid
    cd "$ROOT" || return 1
    for target in all $(targets); do
        run -4 "$ROOT/bootstrap" "$target"
        targets_of[${output##*--no-install-recommends }]+="$target "
    done
    for list in "${!targets_of[@]}"; do
        target=${targets_of[$list]% }
        # shellcheck disable=SC2086 # a list of words
        run tests/packages "$target" $list
        case $status in
        0) ;;
        77) echo "# left out: what make $target needs; $output" >&3 ;;
        *) fail "make $target: $output" ;;
        esac
    done
}
