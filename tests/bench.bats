#!/usr/bin/env bats
# make bench in small: the programs that it asks, and the table that it prints.
load helper

bench() { # a round on little work
    run --separate-stderr env -C "$ROOT" perl tests/bench/run.pl --rounds 1 --repeat 1 --batches 4 --threads 1 --clips 6 --live 1 --sound 10
    [ "$status" = 0 ] || fail "status $status: $stderr"
}

whole='train infer latency mfcc pitch corpora process answer' # all but sound at its own pace

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

@test "live: a row's latency counts from the last sound that it needs" {
    # A program that prints a row for each 800 bytes of sound, behind a first line; 0.1 s later or more, however loaded the
    # machine is, but for those of the sound that comes at once.
    printf '%s\n' '$| = 1; binmode STDIN; print "head\n"; my ($all, $row) = (0, 1);' \
        'while ((my $n = sysread STDIN, my $x, 65536) > 0) {' \
        'for ($all += $n; $all >= 800 * $row; $row++) { select undef, undef, undef, 0.1 if $row > 21; print "$row\n" } }' >rows.pl
    run "$BUILD/bench/live" <<<$'2\t8000\t400\t15600\t1\tms\tperl\trows.pl'
    assert_equal "$status" 3
    assert_output --partial 'came before its sound'
    run "$BUILD/bench/live" <<<$'1\t8000\t400\t400\t1\tms\tperl\trows.pl'
    assert_success
    awk -v answer="$output" 'BEGIN {split(answer, a, " "); exit !(a[1] == 20 && a[2] >= 95 && a[4] >= a[3] && a[3] >= a[2] && a[5] > 0 && a[7] > 1e6)}'
    [ "$(wc -l <ms)" = 20 ]
    fails 3 'gives no row|takes no more' "$BUILD/bench/live" <<<$'1\t8000\t400\t400\t1\tms\tfalse'
    fails 2 'a request is' "$BUILD/bench/live" <<<$'0\t8000\t400\t400\t1\tms\ttrue'
}

@test "nn writes its parameters, a sample and probabilities for a peer to check" {
    run "$BUILD/bench/nn" "$ROOT/pipelines/nets/attention.net" <<<"check out"
    assert_output 225926
    assert_equal "$(stat -c %s out)" $((4 * (225926 + 40 * 174 + 6)))
    # The probabilities of one sample, which are not all the same.
    od -An -v -tf4 -w4 -j $((4 * (225926 + 40 * 174))) out |
        awk '{s += $1; if ($1 != 1 / 6) odd = 1} END {exit !(NR == 6 && odd && s > 0.9999 && s < 1.0001)}'
    fails 4 'cannot write no/out' "$BUILD/bench/nn" "$ROOT/pipelines/nets/attention.net" <<<"check no/out"
}

@test "without peers our side has its rows, and what is left out is said" {
    # No PyTorch, and a librosa whose features are not those that ours equal.
    printf '#!/bin/sh\n[ "$2" = librosa ] || exit 1\necho stub\nwhile read -r _; do echo 0.01; done\n' >peer
    chmod +x peer
    PYTHON=$PWD/peer KERAS='' OPENSMILE='' SMILEXTRACT='' SPTK='' RAVDESS='' WHISPER='' HUBERT='' bench
    for row in 'training, batch 4, 1 thread, samples/s' 'inference, batch 4, 1 thread, samples/s' \
        'plain GFLOP/s' 'latency of one sample, 1 thread' 'best: training, batch 4, 1 thread, samples/s' 'best: latency' 'file to MFCC' 'file to pitch shift' \
        '--jobs 1, 6 clips' '--threads 1, 6 clips' 'ser-mfcc FILE' 'to ser-score, ms' 'largest of these' \
        'sound to row, every 0.255 s, median' '99th percentile' 'of one core, %' 'memory of all' '10 s of 16 kHz'; do
        awk -v x="$(cell "$row" 2)" 'BEGIN {exit !(x > 0)}' || fail "no figure: $row"$'\n'"$output"
    done
    assert_line --regexp '^sound to row, ms, ser, [3-5] rows: least [0-9.]+, 10 % [0-9.]+, .*, most [0-9.]+$'
    for peer in PyTorch 'PyTorch compiled' Keras openSMILE 'openSMILE live' SPTK recordings Whisper HuBERT; do
        assert_line --regexp "^left out: $peer: "
    done
    assert_line 'left out: stub: differs by 0.01 from the reference features'
    assert_equal "$(cell 'file to MFCC' 3)" ''
    refute_line --partial before
}

# A peer that says 0.5 s to all; its whole process sleeps as long. It knows the golden features; of the
# networks ours is PyTorch's, that of PyTorch compiled computes something else, and Keras' lacks bias.
stub() {
    cat >peer <<'PEER'
#!/bin/bash
[ -z "${OPENBLAS_CORETYPE-}${OPENBLAS_L2_SIZE-}" ] || exit 1
case $2 in
torch | compiled | keras | librosa)
    echo "$2 stub"
    while read -r what _; do
        case $2-$what in
        torch-check) echo 225926 1e-8 ;;
        compiled-check) echo 225926 1e-3 ;;
        keras-check) echo 225920 inf ;;
        librosa-check) echo 0 ;;
        *) echo 0.5 ;;
        esac
    done
    ;;
answer | start) sleep 0.5 ;;
prepare) [ "$3" = torch ] && echo 'no: it rains' || echo "$3 stub" ;;
serve)
    echo ready
    while read -r what _; do
        case $3-$what in
        ctranslate2-check) echo 1e-8 1 ;;
        onnxruntime-check) echo 1e-3 1 ;;
        *) echo 0.5 ;;
        esac
    done
    ;;
esac
PEER
    chmod +x peer
}

@test "a peer's figures and ratios are those of its answers" {
    stub
    OPENBLAS_CORETYPE=Haswell OPENBLAS_L2_SIZE=1 PYTHON=$PWD/peer RAVDESS=$ROOT/tests/golden ONLY=$whole bench
    assert_line --partial 'torch stub'
    assert_line --partial 'librosa stub'
    assert_equal "$(cell 'training, batch 4, 1 thread, samples/s' 3)" 8.00
    assert_equal "$(cell 'file to MFCC' 3)" 500
    for row in 'training, batch 4, 1 thread, samples/s' 'latency of one' 'file to pitch' 'to ser-score, ms'; do
        awk -v ser="$(cell "$row" 2)" -v peer="$(cell "$row" 3)" -v ratio="$(cell "$row" 4)" -v row="$row" '
            BEGIN {
                want = row ~ /samples/ ? ser / peer : peer / ser
                exit !(want > 0 && ratio / want > 0.98 && ratio / want < 1.02)
            }' || fail "$row"$'\n'"$output"
    done
    refute_line --regexp '^left out: (PyTorch|librosa|recordings):'
}

@test "a peer with another network, or one that says no, is left out with the reason" {
    stub
    PYTHON=$PWD/peer KERAS=$PWD/peer ONLY=latency bench
    assert_line 'left out: PyTorch compiled: differs by 1e-3 from our probabilities'
    assert_line 'left out: Keras: has 225920 parameters, not 225926'
    assert_equal "$(grep -c '^| latency' <<<"$output")" 1
    assert_equal "$(cell latency 3)" 500
    printf '#!/bin/sh\necho "no: it rains"\n' >peer
    PYTHON=$PWD/peer KERAS='' ONLY=latency bench
    assert_line 'left out: PyTorch: it rains'
    assert_line 'left out: Keras: KERAS is not given'
}

@test "encoders beside engines with the same last hidden state, and operations as worked out by hand" {
    stub
    "$ROOT/tests/make-encoder" tiny
    PYTHON=$PWD/peer WHISPER=$PWD/tiny HUBERT='' ONLY=encoder bench
    assert_line --regexp '^\| Whisper, 4 s, 1 thread, ms .* CTranslate2 500 '
    assert_line --regexp '^\| process: start to the first embedding, Whisper, 4 s, 1 thread, ms .* Python, CTranslate2 '
    assert_line --regexp '^\| memory of ser-embed, Whisper, 10 s, MB '
    assert_equal "$(grep -c '^| Whisper.*thread, ms' <<<"$output")" 2
    assert_line 'left out: ONNX Runtime, Whisper: differs by 1e-3 from our last hidden state'
    assert_line 'left out: PyTorch, Whisper: it rains'
    # Of 4 s: 410 frames of 80 bands, 205 behind; width 16, 24 between, two layers; two operations each.
    run "$BUILD/bench/encoder" tiny <<<$'gflop 4 2\nlayers\ncheck 4 out'
    assert_output "$(awk -v n=$((410 * 240 * 16 + 205 * 48 * 16 + 2 * (205 * (4 * 256 + 2 * 16 * 24) + 2 * 205 * 205 * 16))) \
        'BEGIN {printf "%.6f", 2 * n / 1e9}')"$'\n2\nok'
    assert_equal "$(stat -c %s out)" $((4 * (4 + 410 * 80 + 200 * 16)))
}

@test "ONLY takes some groups, and no other" {
    PYTHON=false ONLY='latency process' bench
    assert_equal "$(grep -c '^| latency' <<<"$output")" 1
    assert_equal "$(grep -c '^| process' <<<"$output")" 1
    refute_line --regexp '^\| (training|inference|file|memory)'
    assert_line --regexp ': latency [0-9]+ s, process [0-9]+ s$'
    ONLY=latncy fails 2 'latncy is none of train infer' env -C "$ROOT" perl tests/bench/run.pl
}

@test "BEFORE times another build in every row, and says where ours is slower" {
    # Another build: its network takes half a second, its ser-mfcc no time, the rest is ours.
    mkdir -p before/bench
    ln -s "$BUILD"/ser-* before
    rm before/ser-mfcc
    printf '#!/bin/sh\nexec true\n' >before/ser-mfcc
    printf '#!/bin/sh\nwhile read -r _; do echo 0.5; done\n' >before/bench/nn
    chmod +x before/ser-mfcc before/bench/nn
    BEFORE=before fails 2 'before/bench/nn is no program' env -C "$ROOT" perl tests/bench/run.pl
    PYTHON=false BEFORE=$PWD/before ONLY='train latency mfcc pitch' bench
    assert_equal "$(cell 'training, batch 4, 1 thread, samples/s' 3)" 8.00
    assert_equal "$(cell 'latency of one sample' 3)" 500
    assert_equal "$(grep -c '^| .* | before ' <<<"$output")" 4
    assert_line --regexp '^4 rows beside before, [12] under 95 %; the least 0\.[0-9]+: file to MFCC, 1 core'
    assert_line --regexp '^under 95 % of before: 0\.[0-9]+: file to MFCC, 1 core'
    refute_line --regexp '^under .*(training|latency)'
    # Beside itself, it makes features and models of its own.
    PYTHON=false BEFORE=$BUILD ONLY=$whole bench
    assert_equal "$(grep -c '^| .* | before ' <<<"$output")" 10
    assert_line --regexp '^9 rows beside before'
}

@test "regret: searches replayed on a recorded grid find what there is; a grid that lacks something is refused" {
    printf '%s\n' 'lr choice 1e-3 1e-2 1e-1' 'batch choice 8 16 32 64' >g.space
    # The recall after epoch 3 is 0.1 to 0.9, and lr of 1e-1 fails; after epoch 1 it is the other way round.
    ser-tune draw --method grid g.space | awk -F'\t' -v OFS='\t' '
        NR == 1 {print "trial", $4, $5, "epoch", "val_loss", "val_accuracy", "val_recall"}
        NR > 1 {for (e = 1; e <= 3; e++) {x = e < 3 ? 1 - $1 / 10 : $1 / 10; print $1, $4, $5, e, $4 == "1e-1" ? "-\t-\t-" : 1 "\t" x "\t" x}}' >g.tsv
    regret() { PYTHON=false perl "$ROOT/tests/bench/regret.pl" --seeds 3 --budgets 1,9,14 --space g.space "$@"; }
    run regret --table g.tsv out
    assert_success
    assert_line --partial 'The best of 12 combinations has a recall of 0.8000.'
    assert_line --partial 'Left out: Optuna'
    # TPE has tried all eight that do not fail, or nearly; each search keeps to what it may cost.
    awk -F'\t' 'NR > 1 {n++; if ($4 > 3 * $3 || $4 < 3 * $3 - 3 || $6 < 0 || ($5 + $6) "" != "0.8") exit 1}
        $1 ~ /^TPE/ && $3 == 14 && $6 > 0.11 {exit 1}
        END {exit n != 8 * 3 * 3}' out/runs.tsv
    grep -q '</svg>' out/regret.svg
    head -n 36 g.tsv >cut.tsv
    fails 3 'regret.pl: cut.tsv: lacks epochs of 1e-1' regret --table cut.tsv out
    fails 2 'usage: regret.pl' regret
}

@test "record-grid: what is recorded so far is a table of all epochs, those that did not come among them" {
    mkdir -p o/split/1 o/split/2
    printf 'trial\tspace\tseed\tlr\tbatch\n1\tx\t1\t0.1\t8\n2\tx\t1\t0.2\t8\n3\tx\t1\t0.3\t8\n' >o/trials.tsv
    printf '1\t0\t27\t54\n2\t0\t27\t27\n' >o/split/times.tsv
    printf 'epoch\tlr\tval_loss\tval_recall\tval_accuracy\n1\t9\t1.5\t0.25\t0.5\n' | tee o/split/1/1.log.tsv >/dev/null
    "$ROOT/tests/bench/record-grid" --table o >table.tsv
    [ "$(wc -l <table.tsv)" = 55 ]
    assert_equal "$(sed -n '1,3p; 29p' table.tsv)" "$(printf 'trial\tlr\tbatch\tepoch\tval_loss\tval_accuracy\tval_recall\tseconds
1\t0.1\t8\t1\t1.5\t0.5\t0.25\t2.00\n1\t0.1\t8\t2\t-\t-\t-\t4.00\n2\t0.2\t8\t1\t-\t-\t-\t1.00')"
    fails 2 'usage: record-grid' "$ROOT/tests/bench/record-grid" o
}
