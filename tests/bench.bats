#!/usr/bin/env bats
# make bench in small: the programs that it asks, and the table that it prints.
load helper

bench() { # a round on little work
    cd "$ROOT" || return 1
    run --separate-stderr perl tests/bench/run.pl --rounds 1 --repeat 1 --batches 4 --threads 1 --clips 6
    [ "$status" = 0 ] || fail "status $status: $stderr"
}

# cell ROW COLUMN: the first number there
cell() {
    awk -F' *\\| *' -v row="$1" -v column="$2" 'index($2, row) {print $(column + 1)}' <<<"$output" |
        grep -oE '[0-9.]+' | head -n 1
}

@test "operations of a training sample are counted as worked out by hand" {
    # Multiply-adds forwards: conv 38x172x32x9, 17x84x64x9x32, 6x40x128x9x64, LSTM 60x512x256,
    # attention 2x60x60x128, dense 128x6; two operations each, three passes, two for the first.
    local rest=$((17 * 84 * 64 * 288 + 6 * 40 * 128 * 576 + 60 * 512 * 256 + 2 * 3600 * 128 + 768))
    run "$BUILD/bench/nn" "$ROOT/pipelines/nets/attention.net" <<<gflop
    assert_output "$(awk -v n=$((4 * 38 * 172 * 32 * 9 + 6 * rest)) 'BEGIN {printf "%.6f", n / 1e9}')"
}

@test "launch times a process, and notices one that fails" {
    run "$BUILD/bench/launch" <<<$'3\t/dev/null\tout\tsleep\t0.2'
    assert_equal "$status" 0
    awk -v s="${output% *}" -v bytes="${output#* }" 'BEGIN {exit !(s >= 0.2 && s < 5 && bytes > 1e5)}'
    "$BUILD/bench/launch" <<<$'1\t/etc/passwd\tout\tcat' >answer
    same out /etc/passwd
    fails 3 'false failed' "$BUILD/bench/launch" <<<$'1\t/dev/null\tout\tfalse'
    fails 4 'cannot start ./no' "$BUILD/bench/launch" <<<$'1\t/dev/null\tout\t./no'
    fails 2 'a request is' "$BUILD/bench/launch" <<<$'0\t/dev/null\tout\ttrue'
}

@test "without peers our side has its rows, and what is left out is said" {
    # No PyTorch, and a librosa whose features are not those that ours equal.
    printf '#!/bin/sh\n[ "$2" = librosa ] || exit 1\necho stub\nwhile read -r _; do echo 0.01; done\n' >peer
    chmod +x peer
    PYTHON=$PWD/peer SMILEXTRACT='' SPTK='' RAVDESS='' bench
    for row in 'training, batch 4, 1 thread, samples/s' 'inference, batch 4, 1 thread, samples/s' \
        'plain GFLOP/s' 'latency of one sample, 1 thread' 'file to MFCC' 'file to pitch shift' \
        '--jobs 1, 6 clips' '--threads 1, 6 clips' 'ser-mfcc FILE' 'to ser-score, ms' 'largest of these'; do
        awk -v x="$(cell "$row" 2)" 'BEGIN {exit !(x > 0)}' || fail "no figure: $row"$'\n'"$output"
    done
    for peer in PyTorch openSMILE SPTK recordings; do
        assert_line --regexp "^left out: $peer: "
    done
    assert_line 'left out: stub: differs by 0.01 from the reference features'
    assert_equal "$(cell 'file to MFCC' 3)" ''
}

@test "a peer's figures and ratios are those of its answers" {
    # A peer that says 0.5 s to all; its whole process sleeps as long. It knows the golden features.
    cat >peer <<'PEER'
#!/bin/bash
case $2 in
torch | librosa)
    echo "$2 stub"
    while read -r what _; do
        if [ "$what" = check ]; then echo 0; else echo 0.5; fi
    done
    ;;
answer) sleep 0.5 ;;
esac
PEER
    chmod +x peer
    PYTHON=$PWD/peer RAVDESS=$ROOT/tests/golden bench
    assert_line --partial 'torch stub, librosa stub'
    assert_equal "$(cell 'training, batch 4, 1 thread, samples/s' 3)" 8.00
    assert_equal "$(cell 'file to MFCC' 3)" 500
    for row in 'training, batch 4, 1 thread, samples/s' 'latency of one' 'file to pitch' 'to ser-score, ms'; do
        awk -v ser="$(cell "$row" 2)" -v peer="$(cell "$row" 3)" -v ratio="$(cell "$row" 4)" -v row="$row" '
            BEGIN {
                want = row ~ /samples/ ? ser / peer : peer / ser
                exit !(want > 0 && ratio / want > 0.98 && ratio / want < 1.02)
            }' || fail "$row"$'\n'"$output"
    done
    refute_line --regexp '^left out: (PyTorch|librosa|recordings)'
}
