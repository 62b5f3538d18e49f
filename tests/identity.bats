#!/usr/bin/env bats
# The plain kernels give the same bytes with any instruction set: the program that knows them is
# built once for each set alone, without the choice that the release build makes when it starts.
load helper

@test "plain kernels: SSE2, AVX2 and AVX-512 builds train to the same bytes" {
    command -v gcc >/dev/null || skip "no gcc"
    local set code=0
    declare -A flags=([sse2]="-march=x86-64" [avx2]="-mavx2 -mfma" [avx512f]="-mavx512f -mfma") jobs=()
    for set in "${!flags[@]}"; do
        # shellcheck disable=SC2086 # flags are words
        gcc -std=c11 -D_GNU_SOURCE -DSER_ONE_SET ${flags[$set]} -O2 -ffp-contract=off -Wno-psabi -I"$ROOT/lib" \
            "$ROOT/tests/unit/test_identity.c" "$ROOT"/lib/nn/*.c "$ROOT"/lib/nn/{layers,kernels}/*.c "$ROOT"/lib/math/{metrics,rng,vary}.c -o "$set" -pthread -lm &
        jobs[$set]=$!
    done
    for set in "${!flags[@]}"; do
        wait "${jobs[$set]}" || code=1
    done
    [ "$code" = 0 ] || fail "does not build"
    for set in sse2 avx2 avx512f; do
        if ! grep -qw "$set" /proc/cpuinfo; then
            echo "# left out: $set, which this processor does not have" >&3
            continue
        fi
        run "./$set"
        assert_success
        assert_line --regexp '^ok - with 3 threads'
    done
}
