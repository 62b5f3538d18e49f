#!/usr/bin/env bats
# Which kernels serve: without oneDNN our own do, and each stays in its own files.
load helper

@test "without oneDNN: our own kernels serve, and threads change no byte" {
    command -v gcc >/dev/null || skip "no gcc"
    gcc -std=c11 -D_GNU_SOURCE -O2 -ffp-contract=off -Wno-psabi -I"$ROOT/lib" "$ROOT/tests/unit/test_kernels.c" \
        "$ROOT"/lib/nn/*.c "$ROOT"/lib/nn/{layers,kernels}/*.c "$ROOT"/lib/math/{metrics,rng,vary}.c -o kernels -pthread -lm
    run ./kernels
    assert_success
    assert_line '# left out: onednn, not built or not for this processor'
    assert_line 'ok - fast: 2 threads and one train to the same bytes'
    if grep -qw avx512f /proc/cpuinfo; then
        assert_line --regexp '^ok - avx512: 3 x 19x86x32, 3x3 to 64, forward: served'
    else
        echo "# left out: avx512, which this processor does not have" >&3
        assert_line '# left out: avx512, not built or not for this processor'
    fi
}

# Files of lib/ in which a line matches.
files() {
    (cd "$ROOT/lib" && grep -rlE "$1" . | sort)
}

@test "only onednn.c knows oneDNN, only avx512*.c knows AVX-512" {
    run files '^#include <(oneapi/|dnnl|omp)'
    assert_output ./nn/kernels/onednn.c
    run files '_mm512_|immintrin'
    assert_equal "$(grep -cv '^\./nn/kernels/avx512' <<<"$output")" 0
    assert_line ./nn/kernels/avx512_product.c
}

@test "kernels by name: fast is the default, onednn another word for it, others are refused" {
    ser-train --help | grep -q -e '--kernels fast|plain .*\[fast\]'
    ser-score --help | grep -q -e '--kernels fast|plain .*\[fast\]'
    fails 2 "none of fast\|plain" ser-train --kernels mkl --net x.net --val v.sert -o m.bin t.sert
    fails 2 "none of fast\|plain" ser-score --kernels avx512 m.bin
    fails 2 "m.bin: no such file" ser-score --kernels onednn m.bin
}
